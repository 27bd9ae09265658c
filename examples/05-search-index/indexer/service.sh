# shellcheck shell=sh
# Stands for the search service: takes a document from who has the key.
mkdir -p /www/cgi-bin
cat > /www/cgi-bin/documents <<'CGI'
#!/bin/sh
[ "$HTTP_API_KEY" = "$SEARCH_KEY" ] || { printf 'Status: 403\r\n\r\n'; exit; }
printf 'Content-Type: text/plain\r\n\r\n'
echo "took $(wc -w) words"
CGI
chmod +x /www/cgi-bin/documents
exec httpd -f -p 8080 -h /www
