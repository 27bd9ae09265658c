# shellcheck shell=sh
# The name of the host is the id of the step that runs the app.
tries=0
until answer=$(wget -qO- http://app:8080/version.txt 2>/dev/null); do
  tries=$((tries + 1))
  [ $tries -lt 100 ] || { echo "the app does not answer"; exit 1; }
  sleep 0.1
done
echo "the app answers $answer, wanted is $EXPECTED"
[ "$answer" = "$EXPECTED" ] || exit 1
echo "version $answer tested" > report.txt
