# What scripts/demo --keep leaves behind and how it is ended; sourced by story.sh and scripts/demo.

# write_env: shell assignments by which other programs find what runs.
write_env() {
  one() { printf "%s='%s'\n" "$1" "$2"; }
  entity() { # NAME FILE: certificate and key
    one "$1_CERT" "$work/keys/$2.pem"; one "$1_KEY" "$work/keys/$2.key"
  }
  service() { # NAME HOST PORT
    one "$1" "https://$2:$3"; one "$1_RESOLVE" "$2:$3:127.0.0.1"
  }
  service IN_CSE in-cse.my.m2mprovider.org "$IN_PORT"
  service MN_CSE mn-cse-123456.in-cse.my.m2mprovider.org "$MN_PORT"
  service MAF $MAF_FQDN "$MAF_PORT"
  one IN_LOCAL "http://127.0.0.1:$IN_LOCAL_PORT"; one ADMIN /$IN/Cadmin; one CA "$work/ca/root/ca.pem"
  one LOCK1_PSK_ID $LOCK1_ID; one LOCK1_PSK_HEX $LOCK1_KEY; one LOCK1_AE_ID /$MN/Clock-AE1
  one LOCK2_PSK_ID $LOCK2_ID; one LOCK2_PSK_HEX $LOCK2_KEY; one LOCK2_AE_ID /$MN/Clock-AE2
  entity GATEWAY mn; one GATEWAY_CSE_ID /$MN
  entity INCSE in; one INCSE_CSE_ID /$IN
  entity PHONE phone; one PHONE_AE_ID /$IN/Cphone
  entity MAFSERVER maf
  one PIDS "${PIDS[*]}"
}

# try_commands: what to try, one command a line, from the top of the repository.
try_commands() {
  local from=${work#"$root"/} programs=${bin#"$root"/}
  cat <<EOF
. $from/demo.env
curl --cacert \$CA --cert \$GATEWAY_CERT --key \$GATEWAY_KEY --resolve \$IN_CSE_RESOLVE -H "X-M2M-Origin: \$GATEWAY_CSE_ID" -H 'X-M2M-RI: 1' -H 'X-M2M-RVI: 3' \$IN_CSE/~/$IN/$IN
{ printf 'GET /~/$MN/$MN/front-door-lock/state/la HTTP/1.1\\r\\nHost: localhost\\r\\nX-M2M-Origin: Clock-AE1\\r\\nX-M2M-RI: 1\\r\\nX-M2M-RVI: 3\\r\\nConnection: close\\r\\n\\r\\n'; sleep 1; } | openssl s_client -quiet -connect 127.0.0.1:$MN_PORT -tls1_2 -cipher PSK-AES128-CBC-SHA256 -psk_identity \$LOCK1_PSK_ID -psk \$LOCK1_PSK_HEX
$programs/latchkey request retrieve /$IN/$IN -p rcn=4 --url \$IN_LOCAL --from \$ADMIN
$programs/latchkey authz explain --admin $from/mn/admin.sock --originator \$PHONE_AE_ID --operation create --ty 4 --target /$MN/$MN/front-door-lock/command
tail -n 3 $from/mn/decisions.jsonl
scripts/demo --stop
EOF
}

# stop_kept ENV PROGRAMS: ends what a kept story runs; a number that now belongs to another program is left alone.
stop_kept() {
  local pid exe running=()
  for pid in $(sed -n "s/^PIDS='\(.*\)'$/\1/p" "$1"); do
    # Not /proc/PID/exe: a daemon that hides its memory hides that too.
    read -rd '' exe 2>/dev/null <"/proc/$pid/cmdline" || continue
    case $exe in "$2"/*) kill "$pid" 2>/dev/null && running+=("$pid") ;; esac
  done
  for pid in "${running[@]}"; do
    while kill -0 "$pid" 2>/dev/null && ! grep -q '^State:.*Z' "/proc/$pid/status" 2>/dev/null; do sleep 0.1; done
  done
  rm -f "$1"
}
