# Tools that we did not write, against the daemons of the story: sourced behind story.sh, while they still run.
chapter "9  Other people's tools"
# http METHOD PATH HEADER... [body on fd 0 is not used]: one request as text.
http() { printf '%s %s HTTP/1.1\r\nHost: localhost\r\nX-M2M-RI: 7\r\nX-M2M-RVI: 3\r\nConnection: close\r\n' "$1" "$2"; shift 2; printf '%s\r\n' "$@"; printf '\r\n'; }
lock_request() { http GET /~/$MN/$MN/front-door-lock/state/la "X-M2M-Origin: Clock-AE1"; }

{ lock_request; sleep 1; } | timeout 10 openssl s_client -quiet -connect 127.0.0.1:"$MN_PORT" -tls1_2 -cipher PSK-AES128-CBC-SHA256 -psk_identity $LOCK1_ID -psk $LOCK1_KEY >openssl-lock.txt 2>&1 || true
grep -q 'X-M2M-RSC: 2000' openssl-lock.txt || bad "openssl s_client as a lock: $(tail -3 openssl-lock.txt)"
ok "openssl s_client is a lock: TLS-PSK 0x00ae, one request by hand"
covers TR-A.2-08 TR-7.1.2-07

{ lock_request; sleep 1; } | timeout 10 gnutls-cli --priority 'NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK:-CIPHER-ALL:+AES-128-CBC:-MAC-ALL:+SHA256' --pskusername $LOCK1_ID --pskkey $LOCK1_KEY -p "$MN_PORT" 127.0.0.1 >gnutls-lock.txt 2>&1 || true
grep -q 'X-M2M-RSC: 2000' gnutls-lock.txt || bad "gnutls-cli as a lock: $(tail -3 gnutls-lock.txt)"
ok "gnutls-cli is a lock"

if command -v tshark >/dev/null; then  # Wireshark without its window; it is no dependency, check_wire.py opens the captures without it
  for opened in "lock1 tls.psk:$LOCK1_KEY" "maf tls.keylog_file:phone.keys" "phone tls.keylog_file:phone.keys"; do
    read -r capture how <<<"$opened"
    tshark -r "$capture.pcap" -o "$how" -Y 'http.request.method == "POST"' >tshark.txt 2>tshark.err || bad "tshark: $(cat tshark.err)"
    grep -q POST tshark.txt || bad "tshark does not open $capture.pcap with $how"
    tshark -r "$capture.pcap" -Y http >tshark.txt 2>tshark.err || bad "tshark: $(cat tshark.err)"
    [ ! -s tshark.txt ] || bad "tshark reads $capture.pcap without a key: $(head -2 tshark.txt)"
  done
  ok "tshark opens the captures with Kpsa or the test-only key log, and not without"
fi

curl -sS -D curl.txt -o curl.json --cacert ca/root/ca.pem --cert keys/mn.pem --key keys/mn.key --resolve in-cse.my.m2mprovider.org:"$IN_PORT":127.0.0.1 \
  -H "X-M2M-Origin: /$MN" -H 'X-M2M-RI: 8' -H 'X-M2M-RVI: 3' "https://in-cse.my.m2mprovider.org:$IN_PORT/~/$IN/$IN" 2>curl.err || bad "curl: $(cat curl.err)"
grep -qi 'X-M2M-RSC: 2000' curl.txt || bad "curl got $(cat curl.txt)"
ok "curl with client certificate and private CA, full verification: $(grep -i X-M2M-RSC curl.txt | tr -d '\r')"

body='{"sec:mkr":{"et":"20991231T000000","adfq":"'$ADMIN_FQDN'","suid":32,"tgis":["'$SP/$IN'"]}}'
{ sleep 1; http POST /_/$MAF_FQDN/-/macr000001 "X-M2M-Origin: 0 2 481 1 100 3030 10011" "Content-Type: application/json;ty=5" "Content-Length: ${#body}"; printf %s "$body"; sleep 1; } |
  timeout 15 openssl s_client -connect 127.0.0.1:"$MAF_PORT" -servername $MAF_FQDN -tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256 -cert keys/phone.pem -cert_chain ca/issuing/chain.pem -key keys/phone.key -CAfile ca/root/ca.pem -verify_return_error \
    -keymatexport EXPORTER-oneM2M-Connection -keymatexportlen 48 >openssl-maf.txt 2>&1 || true
material=$(sed -nE 's/^ *Keying material: ([0-9A-F]{96}).*/\1/p' openssl-maf.txt | head -1)
[ ${#material} = 96 ] && grep -q 'X-M2M-RSC: 2001' openssl-maf.txt || bad "openssl s_client as MAF client: $(grep -E 'X-M2M|dbg|rror' openssl-maf.txt | head -5)"
ok "openssl s_client is a MAF client: its printed keying material begins with the RelativeKeyID ${material:0:32}"

{ http GET /~/$IN/Cphone "X-M2M-Origin: Cphone"; sleep 1; } | timeout 10 openssl s_client -quiet -connect 127.0.0.1:"$IN_PORT" -tls1_2 -cipher PSK-AES128-CBC-SHA256 \
  -psk_identity "${material:0:32}@$MAF_FQDN" -psk "${material:32}" >openssl-kc.txt 2>&1 || true
grep -q 'X-M2M-RSC: 2000' openssl-kc.txt || bad "the exported key does not open a session: $(tail -3 openssl-kc.txt)"
ok "that key opens a PSK session to $IN, as the phone"
covers TR-A.4-01 TR-A.4-04

chapter "10  The operator"
"$bin/latchkey-cse" --config in.toml --backup "$work/in-backup.db" || bad "a backup while the CSE runs"
[ -s in-backup.db ] || bad "the backup is empty"
ok "latchkey-cse --backup copies the database while the CSE runs"
lk psk remove --state-dir in/state --kek in/kek stranger@in.provider.com >/dev/null || bad "removing a key"
# A damaged file of trust anchors keeps neither the removed key alive nor the decision log in the file that was rotated away.
mv ca/root/ca.pem ca/root/ca.kept; echo damaged >ca/root/ca.pem
mv in/decisions.jsonl in/decisions.1
kill -HUP "$pid_in"
wait_for 5 in/decisions.1 'configuration_refused.*trust anchors' || bad "SIGHUP did not name the damaged file"
refused "a key that was removed, while another file is damaged" in 'handshake_refused.*unknown psk_identity' as_stranger retrieve /$IN/Cstranger
if grep -q credential_reloaded in/decisions.1 in/decisions.jsonl; then bad "a reload that failed in part is called a success"; fi
mv ca/root/ca.kept ca/root/ca.pem
kill -HUP "$pid_in"
wait_for 5 in/decisions.jsonl credential_reloaded || bad "SIGHUP did not reload"
ok "SIGHUP takes over what can be read, and says what cannot"
