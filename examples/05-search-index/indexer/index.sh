# shellcheck shell=sh
# Runs in the folder of its image, where it lies: the documents are in the workspace.
mode=$1 url=$2/cgi-bin/documents
for document in /workspace/documents/*; do
  case $mode:$document in new:*/old-*) continue ;; esac
  tries=0
  until answer=$(wget -qO- --header "api-key: $SEARCH_KEY" --post-file "$document" "$url"); do
    tries=$((tries + 1))
    [ $tries -lt 50 ] || exit 1
    sleep 0.2
  done
  echo "${document##*/}: $answer"
done
