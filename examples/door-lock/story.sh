# The story that scripts/demo plays: sourced with $bin (programs), $work (scratch folder, current), $keep and $root set.
# keep=1 leaves the daemons running. Else what passes between the programs is recorded and looked at in chapter 8.
SP=//my.m2mprovider.org
IN=in-cse MN=mn-cse-123456 MAF_FQDN=myMAF.provider.org DAS_FQDN=das.provider.org ADMIN_FQDN=mytrustenabler.org
DEVICE=0.2.481.1.100.3030.10011 STRANGER_DEVICE=0.2.481.1.100.3030.10099
LOCK1_ID=AE123456789012-Lock@in.provider.com LOCK1_KEY=1a2b3c4d5e6f7a8b
LOCK2_ID=AE123456789015-Lock@in.provider.com LOCK2_KEY=12345678abcdefab
SITTER_ID=AE123456789099-Sitter@in.provider.com SITTER_KEY=0f1e2d3c4b5a69788796a5b4c3d2e1f0
SPARE_ID=AE123456789077-Spare@in.provider.com SPARE_KEY=c0c1c2c3c4c5c6c7c8c9cacbcccdcecf
LOOK_SECONDS=20    # of the token of the babysitter
KEY_SECONDS=20  # lifetime of the phone's key, short so that its end is part of the story

# ---- telling and checking ----
steps=0
chapter() { printf '\n\033[1m%s\033[0m\n' "$*"; }
tell() { printf '    %s\n' "$*"; }
ok() { steps=$((steps + 1)); printf '  + %s\n' "$*"; }
# covers ID...: statements of TR-0038 and TS-0003 that the step above would fail on; the test of this story reports them.
covered=()
covers() { covered+=("$@"); }
bad() { printf '  ! %s\n' "$*"; for f in *.log; do [ ! -s "$f" ] || { echo "--- $f"; tail -15 "$f"; }; done; exit 1; }
# note NAME COMMAND...: runs it and keeps command and output for the guide (scripts/guide); its status is the command's.
mkdir guide
note() {
  local name=$1 status=0; shift
  printf '$ %s\n' "$(shown "$@")" >>"guide/$name.txt"
  "$@" >guide/output 2>&1 || status=$?
  cat guide/output >>"guide/$name.txt"
  return $status
}
# shown COMMAND...: the command as one would type it.
shown() { local word; for word in "$@"; do case $word in *[!A-Za-z0-9_./:=@,-]*) printf "'%s' " "$word" ;; *) printf '%s ' "$word" ;; esac; done | sed 's/ $//'; }
# wait_for SECONDS FILE PATTERN: until a line of the file matches.
wait_for() {
  local end=$((SECONDS + $1))
  until grep -qE -- "$3" "$2" 2>/dev/null; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done
}
# more_than COUNT DAEMON PATTERN: until more lines than that of a decision log match; a log is a few milliseconds behind.
more_than() {
  local end=$((SECONDS + 5))
  until [ "$(grep -cE -- "$3" "$2/decisions.jsonl")" -gt "$1" ]; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done
}
field() { sed -nE "s/.*\"$1\":(\"([^\"]*)\"|([^\",}]*)).*/\2\3/p"; }
# why DAEMON PATTERN: tells the newest decision that matches.
why() {
  local line; line=$(grep -E -- "$2" "$1/decisions.jsonl" 2>/dev/null | tail -1) || true
  [ -z "$line" ] || tell "why, says $1: $(printf '%s' "$line" | field reason)"
}
# tap NAME PORT: sets $tapped, the port by which a client reaches PORT; a relay there records what passes in NAME.pcap.
tap() {
  tapped=$2
  [ "$keep" = 0 ] || return 0
  tapped=$(free_port)
  python3 "$root/tests/system/record.py" "$1.pcap" "$tapped" "$2" >>record.log 2>&1 &
  PIDS+=($!)
  until (exec 3<>"/dev/tcp/127.0.0.1/$tapped") 2>/dev/null; do kill -0 "$!" 2>/dev/null || bad "the recorder does not start"; sleep 0.05; done
}
# key_log NAME: the option that makes an example program write the keys of its sessions, in a recorded story only.
key_log() { [ "$keep" = 1 ] || printf -- '--key-log\n%s.keys\n' "$1"; }
# Below the ports that the kernel gives to clients, or a connection of ours could take one before its server starts.
free_port() { local p; while :; do p=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$p") 2>/dev/null || { echo $p; return; }; done; }

PIDS=()
cleanup() { [ "$keep" = 1 ] && [ "${finished:-0}" = 1 ] || { kill "${PIDS[@]}" 2>/dev/null || true; wait 2>/dev/null || true; }; }
trap cleanup EXIT

# ---- PKI and credentials ----
chapter "0  Credentials"
latchkey() { "$bin/latchkey" "$@"; }
lk() { latchkey "$@"; }
mkdir ca keys
note pki latchkey pki root ca/root --name "Trusted Certificate Authority" --permit-dns my.m2mprovider.org --permit-dns provider.org --permit-uri my.m2mprovider.org --permit-device 0.2.481.1.100
note pki latchkey pki intermediate ca/issuing --parent ca/root --name "MY_M2M_PROVIDER issuing CA" --permit-dns my.m2mprovider.org --permit-dns provider.org --permit-uri my.m2mprovider.org --permit-device 0.2.481.1.100 --days 1825

issue() { note "issue-$1" latchkey pki issue --ca ca/issuing --key "keys/$1.key" --out "keys/$1.pem" "${@:2}"; }
issue in --type cse-id --name /$IN
issue mn --type cse-id --name /$MN --in-cse /$IN
issue maf --type fqdn --name $MAF_FQDN
issue das --type fqdn --name $DAS_FQDN
issue spare --type ae-id --name /$IN/Cspare
issue phone --type device --name $DEVICE
issue stranger --type device --name $STRANGER_DEVICE
issue impostor --type cse-id --name /impostor --in-cse /$IN
lk pki root ca/other --name "Nobody's CA" --permit-dns my.m2mprovider.org >/dev/null
lk pki issue --ca ca/other --key keys/untrusted.key --out keys/untrusted.pem --type cse-id --name /$MN --in-cse /$IN >/dev/null
expired_certificate() { # what our own CA would not issue: a certificate of 2020
  mkdir expired; : >expired/index.txt; echo 01 >expired/serial
  printf '[ca]\ndefault_ca=d\n[d]\ndatabase=expired/index.txt\nserial=expired/serial\nnew_certs_dir=expired\ndefault_md=sha256\npolicy=p\nx509_extensions=x\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:%s.%s.my.m2mprovider.org\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n[req]\ndistinguished_name=n\n[n]\n' $MN $IN >expired/ca.cnf
  openssl ecparam -name prime256v1 -genkey -noout -out keys/expired.key
  openssl req -new -key keys/expired.key -subj "/CN=expired" -config expired/ca.cnf -out expired/request.csr
  openssl ca -batch -notext -config expired/ca.cnf -cert ca/issuing/ca.pem -keyfile ca/issuing/ca.key -in expired/request.csr -startdate 20200101000000Z -enddate 20200201000000Z -out expired/leaf.pem
  cat expired/leaf.pem ca/issuing/ca.pem >keys/expired.pem
  chmod 600 keys/expired.key
}
expired_certificate >expired.log 2>&1 || bad "making an expired certificate"
umask 077
printf %s $LOCK1_KEY >keys/lock1.hex; printf %s $LOCK2_KEY >keys/lock2.hex
printf %s $SITTER_KEY >keys/sitter.hex; printf %s $SPARE_KEY >keys/spare.hex
printf %s 00112233445566778899aabbccddeeff >keys/stranger.hex; printf %s ffffffffffffffff >keys/wrong.hex
umask 022
ok "a root and an issuing CA with name constraints; certificates for $IN, $MN, $MAF_FQDN and the phone's device"
note inspect latchkey pki inspect keys/mn.pem || bad "the MN-CSE's certificate breaks a rule: $(cat guide/inspect.txt)"
ok "latchkey pki inspect finds nothing that breaks the CSE-ID profile (TS-0003 10.1.1.7)"

IN_PORT=$(free_port) MN_PORT=$(free_port) MAF_PORT=$(free_port) DAS_PORT=$(free_port) LOCATION_PORT=$(free_port) IN_LOCAL_PORT=$(free_port) MN_LOCAL_PORT=$(free_port) MN_PLAIN_PORT=$(free_port)
tap gateway "$IN_PORT"; IN_BY_GATEWAY=$tapped
tap lock1 "$MN_PORT"; MN_BY_LOCK1=$tapped
tap phone "$IN_PORT"; IN_BY_PHONE=$tapped
tap maf "$MAF_PORT"; MAF_BY_PHONE=$tapped
# The ports by the names that the guide gives them.
printf '%s=%s\n' 8443 "$IN_PORT" 8443 "$IN_BY_GATEWAY" 8443 "$IN_BY_PHONE" 9443 "$MN_PORT" 9443 "$MN_BY_LOCK1" 8444 "$MAF_PORT" 8444 "$MAF_BY_PHONE" 8446 "$DAS_PORT" 8460 "$LOCATION_PORT" \
  8080 "$IN_LOCAL_PORT" 9080 "$MN_LOCAL_PORT" 9081 "$MN_PLAIN_PORT" >guide/ports
# daemon_config NAME PORT CERT: the sections that all three share.
daemon_config() {
  cat <<EOF
[state]
dir = "$1/state"
kek_file = "$1/kek"
decision_log = "$1/decisions.jsonl"
[tls]
certificate = "keys/$3.pem"
private_key = "tls"
[[tls.trust]]
file = "${4:-ca/root/ca.pem}"
${5:-}
[admin]
path = "$1/admin.sock"
[[listen]]
name = "public"
address = "127.0.0.1"
port = $2
EOF
}
prepare() { # NAME KEY: state folder, KEK outside of it, private key into the Secure Environment
  mkdir -p "$1/state"; chmod 700 "$1" "$1/state"
  note "prepare-$1" latchkey pki kek "$1/kek"
  note "prepare-$1" latchkey pki store-key --state-dir "$1/state" --kek "$1/kek" --handle tls --key "$2"
}
for d in in mn maf das; do prepare $d keys/$d.key; done
. "$root/examples/door-lock/das.sh"
{ daemon_config in "$IN_PORT" in; cat <<EOF
[[listen]]
name = "local"
kind = "trusted-tcp"
address = "127.0.0.1"
port = $IN_LOCAL_PORT
hosts = ["127.0.0.1:$IN_LOCAL_PORT", "localhost:$IN_LOCAL_PORT", "localhost"]
originators = ["/$IN/Cadmin"]
[cse]
type = "IN"
sp_id = "$SP"
cse_id = "/$IN"
administrator = "/$IN/Cadmin"
points_of_access = ["https://127.0.0.1:$IN_PORT"]
[[peer]]
cse_id = "/$MN"
address = "127.0.0.1"
port = $MN_PORT
[[maf]]
fqdn = "$MAF_FQDN"
address = "127.0.0.1"
port = $MAF_PORT
EOF
} >in.toml
{ daemon_config mn "$MN_PORT" mn; cat <<EOF
[[listen]]
name = "local"
kind = "trusted-tcp"
address = "127.0.0.1"
port = $MN_LOCAL_PORT
hosts = ["127.0.0.1:$MN_LOCAL_PORT", "localhost:$MN_LOCAL_PORT", "localhost"]
originators = ["/$MN/Cgateway"]
[[listen]]
name = "outside"
kind = "plain"
address = "127.0.0.1"
port = $MN_PLAIN_PORT
[cse]
type = "MN"
sp_id = "$SP"
cse_id = "/$MN"
in_cse = "/$IN"
registrar = "/$IN"
points_of_access = ["https://127.0.0.1:$MN_PORT"]
[[peer]]
cse_id = "/$IN"
address = "127.0.0.1"
port = $IN_BY_GATEWAY
EOF
das_of_the_gateway
cat <<EOF
[end_to_end]
[[end_to_end.initiator]]
id = "/$IN/Cspare"
EOF
} >mn.toml
{ daemon_config maf "$MAF_PORT" maf; cat <<EOF
[maf]
fqdn = "$MAF_FQDN"
sp_id = "$SP"
in_cse = "/$IN"
admin_fqdns = ["$ADMIN_FQDN"]
[[client]]
id = "$DEVICE"
entity = "/$IN/Cphone"
default_targets = ["$SP/$IN"]
[[client]]
id = "$STRANGER_DEVICE"
default_targets = ["$SP/$MN"]
[[client]]
id = "$SP/$IN"
EOF
} >maf.toml
psk() { note "psk-$1" latchkey psk add --state-dir "$1/state" --kek "$1/kek" --entity "$2" --identity "$3" --key "$4" --min-psk-bits 64 "${@:5}"; }
psk mn /$MN/Clock-AE1 $LOCK1_ID keys/lock1.hex
psk mn /$MN/Clock-AE2 $LOCK2_ID keys/lock2.hex
psk mn /$MN/Cold-lock old-lock@in.provider.com keys/lock1.hex --expires 20200101T000000
psk mn /$MN/Csitter $SITTER_ID keys/sitter.hex
psk das /$MN/Csitter $SITTER_ID keys/sitter.hex
psk in /$IN/Cspare $SPARE_ID keys/spare.hex
psk in /$IN/Cstranger stranger@in.provider.com keys/stranger.hex
note psk-list latchkey psk list --state-dir mn/state || bad "listing the keys"
ok "the psk-lookup-tables of TR-0038 table 7.1.2-2, keys encrypted in the Secure Environment"
covers TR-7.1.2-05
latchkey-cse() { "$bin/latchkey-cse" "$@"; }
latchkey-maf() { "$bin/latchkey-maf" "$@"; }
latchkey-das() { "$bin/latchkey-das" "$@"; }
for d in in mn; do note check latchkey-cse --config $d.toml --check || bad "$d.toml: $(cat guide/output)"; done
note check latchkey-maf --config maf.toml --check || bad "maf.toml: $(cat guide/output)"

https_mn="https://127.0.0.1:$MN_PORT" https_in="https://127.0.0.1:$IN_PORT" https_maf="https://127.0.0.1:$MAF_PORT"
as_lock1() { lk request "$@" --url "$https_mn" --server /$MN --in-cse /$IN --psk-identity $LOCK1_ID --psk-file keys/lock1.hex; }
start() { # NAME PROGRAM PORT
  "$bin/$2" --config "$1.toml" >>"$1.log" 2>&1 &
  PIDS+=($!); eval "pid_$1=$!"
  local end=$((SECONDS + 15))
  until (exec 3<>"/dev/tcp/127.0.0.1/$3") 2>/dev/null; do kill -0 "$!" 2>/dev/null && [ $SECONDS -lt $end ] || bad "$2 $1 does not start"; sleep 0.05; done
}
start in latchkey-cse "$IN_PORT"

# ---- 2 comes before 1: the gateway must stand before the locks ask ----
chapter "2  Gateway and cloud: certificates (TS-0003 8.2.2.2)"
start mn latchkey-cse "$MN_PORT"
wait_for 15 in/decisions.jsonl 'registration_ok.*'$MN || bad "the gateway did not register"
ok "$MN and $IN opened mutually authenticated TLS: $(grep -E 'handshake_accepted' in/decisions.jsonl | grep -m1 "$MN" | field target)"
covers TR-7.1.3-04 TR-7.1.3-06 TR-7.1.3-07 TR-7.1.1-02
note base latchkey request retrieve /$IN/$IN -p rcn=4 --url "http://127.0.0.1:$IN_LOCAL_PORT" --from /$IN/Cadmin || bad "the administrator cannot read the CSEBase: $(cat guide/output)"
grep -q "\"csi\":\"/$MN\"" guide/output || bad "no remoteCSE of $MN at $IN"
ok "remoteCSE of $MN stands at $IN, read by the administrator on the trusted listener"

chapter "1  Locks and gateway: provisioned keys (TS-0003 8.2.2.1)"
lock() { # N NAME KEYID PORT
  # shellcheck disable=SC2046
  "$bin/door-lock-lock" --registrar /$MN --port "$4" $(key_log "lock$1") --stem "Clock-AE$1" --name "$2-lock" --psk-identity "$3" --psk-file "keys/lock$1.hex" \
    --user /$IN/Cphone --watcher /$MN/Cgateway --label "$2" >>"lock$1.log" 2>&1 &
  PIDS+=($!); eval "pid_lock$1=$!"
}
for n in 1 2; do
  case $n in 1) lock 1 front-door $LOCK1_ID "$MN_BY_LOCK1" ;; 2) lock 2 back-door $LOCK2_ID "$MN_PORT" ;; esac
  wait_for 15 lock$n.log '^ready' || bad "lock $n is not ready"; ok "lock $n: $(grep registered lock$n.log)"
done
ok "no MAF runs yet: neither keys nor certificates need one"
covers TR-5-06
covers TR-6-01 TR-6-02 TR-7.1.2-02 TR-7.1.2-03 TR-7.1.2-04 TR-7.1.2-06 TR-7.1.2-09
wait_for 5 lock1.log 'bolt LOCKED' && wait_for 5 lock2.log 'bolt LOCKED' || bad "a lock has no state"
ok "both locks stored their first state, LOCKED, and wait on polling channels: no port of a lock is open"

chapter "3  Phone and cloud: a key from the MAF (TS-0003 8.2.2.3, TR-0038 7.1.4)"
start maf latchkey-maf "$MAF_PORT"
# shellcheck disable=SC2046
coproc PHONE { exec "$bin/door-lock-phone" --registrar /$IN --port "$IN_BY_PHONE" $(key_log phone) --stem Cphone --name phone --maf-port "$MAF_BY_PHONE" --admin $ADMIN_FQDN \
  --device-id $DEVICE --cert keys/phone.pem --key keys/phone.key --trust ca/root/ca.pem --gateway /$MN --key-seconds $KEY_SECONDS --margin-seconds 3 2>>phone.log; }
PIDS+=($PHONE_PID)
# phone COMMAND: sends it, tells the answer, fails unless it ends in "= ok".
phone() {
  local line
  printf '%s\n' "$*" >&"${PHONE[1]}"
  while IFS= read -r -t 40 line <&"${PHONE[0]}"; do
    printf '%s\n' "$line" >>phone.log
    case $line in "= ok") return 0 ;; "= "*|"! "*) tell "$line"; return 1 ;; *) tell "phone: $line" ;; esac
  done
  return 1
}
phone register || bad "the phone did not register"
ok "MAF client registration, key registration with the exported key, TLS-PSK with KcID@MAF-FQDN"
covers TR-7.1.4-01 TR-7.1.4-06 TR-7.1.4-07 TR-7.1.4-09
more_than 0 in key_fetch_ok && more_than 0 maf key_retrieved || bad "the IN-CSE did not fetch the key"
why in key_fetch_ok
ok "$IN fetched Kc from the MAF while the phone's handshake waited"
covers TR-6-05 8.2.2.3-13 8.2.2.3-16 TR-7.1.4-08
more_than 0 maf key_registered || bad "the MAF did not log the registration of the key"
keys_before=$(grep -c key_registered maf/decisions.jsonl)
phone reconnect || bad "the session was not renewed"
[ "$(grep -c key_registered maf/decisions.jsonl)" = "$keys_before" ] || bad "the MAF was asked for a session within the key's lifetime"
ok "a new session within the lifetime of the key, without the MAF"
covers 8.2.2.3-18
sleep $((KEY_SECONDS - 2))
phone reconnect || bad "no session after the end of the key"
more_than "$keys_before" maf key_registered || bad "no new key at the end of the old one"
ok "at the end of its lifetime the phone got a new key by itself"

chapter "4  Life in the house"
"$bin/door-lock-gateway" --registrar /$MN --port "$MN_LOCAL_PORT" --stem Cgateway --name gateway >>gateway.log 2>&1 &
PIDS+=($!)
wait_for 15 gateway.log '^ready' || bad "the gateway application is not ready"
ok "MN-AE $(grep -c watching gateway.log) locks watched over the trusted listener"
covers TR-6-04
[ "$(grep -c '^watching' gateway.log)" = 2 ] || bad "the gateway application does not watch both locks"
# refusal WHAT DAEMON PATTERN ANSWER: keeps for the guide what was tried, what the peer was told, and what the daemon knows.
refusal() { printf '%s\t%s\t%s\t%s\n' "$1" "$2" "$(grep -E -- "$3" "$2/decisions.jsonl" | tail -1 | field reason)" "$4" >>guide/refusals.tsv; }
# answer CODE WHAT DAEMON PATTERN COMMAND...: the request must be answered with that code, for that reason.
answer() {
  local want=$1 what=$2 daemon=$3 pattern=$4 got; shift 4
  got=$("$@" 2>&1 | head -1) || true
  case $got in "$want "*) ;; *) bad "$what: wanted $want, got: $got" ;; esac
  wait_for 3 "$daemon/decisions.jsonl" "$pattern" || bad "$what: refused, but not for the reason $pattern"
  ok "$what: $got"; why "$daemon" "$pattern"; refusal "$what" "$daemon" "$pattern" "$got"
}
answer 4107 "a CSE's name from outside, without an association" mn 'originator_refused.*association' lk request retrieve /$MN/$MN/gateway --url "http://127.0.0.1:$MN_PLAIN_PORT" --from /$IN
phone discover lock-state || bad "discovery through the IN-CSE"
ok "the phone found the locks by label, $IN forwarded to $MN and back"
covers TR-5-01 TR-5-05 TR-6-03
phone read front-door || bad "reading the state"
ok "the phone read the state of the front door"
covers TR-5-03
phone watch front-door || bad "subscribing"
ok "the phone subscribed to the state of the front door at $MN"
phone set "front-door UNLOCKED" || bad "unlocking"
phone expect UNLOCKED || bad "no notification of the change"
wait_for 5 lock1.log 'bolt UNLOCKED' || bad "the bolt did not move"
ok "the front door is UNLOCKED, and the phone was notified"
covers TR-5-02 TR-5-04
why mn 'access_permitted.*Cphone.*command'
phone group || bad "making a group"
phone set-all LOCKED || bad "locking all doors"
phone expect LOCKED || bad "no notification of the locked front door"
wait_for 5 gateway.log 'saw LOCKED' || bad "the gateway application did not see it"
ok "all doors LOCKED through one group request"

# explain WORD OPERATION ORIGINATOR TARGET [TYPE]: the CSE says beforehand how it would decide; a line of the answer begins with WORD.
explain() {
  note explain latchkey authz explain --admin mn/admin.sock --originator "$3" --operation "$2" ${5:+--ty "$5"} --target "$4" || bad "authz explain"
  grep -q "^$1" guide/output || bad "authz explain: $(cat guide/output)"
}
explain permitted create /$IN/Cphone /$MN/$MN/front-door-lock/command 4
explain denied create /$MN/Cgateway /$MN/$MN/front-door-lock/command 4
explain denied delete /$IN/Cphone /$MN/$MN/front-door-lock/state
explain denied retrieve /$MN/Clock-AE2 /$MN/$MN/front-door-lock/state
ok "latchkey authz explain: the phone may add a command; the gateway application may not; the other lock may not even read"
note tree-lock latchkey request retrieve /$MN/$MN/front-door-lock -p rcn=4 --from Clock-AE1 --url "$https_mn" --server /$MN --in-cse /$IN --psk-identity $LOCK1_ID --psk-file keys/lock1.hex || bad "the lock cannot read what it offers"

. "$root/examples/door-lock/babysitter.sh"
. "$root/examples/door-lock/envelope.sh"

chapter "5  What must not work"
refused() { # WHAT DAEMON PATTERN COMMAND...
  local what=$1 daemon=$2 pattern=$3; shift 3
  if "$@" >refused.txt 2>&1; then bad "$what was accepted: $(cat refused.txt)"; fi
  wait_for 3 "$daemon/decisions.jsonl" "$pattern" || bad "$what: refused, but not for the reason $pattern: $(cat refused.txt)"
  ok "$what: $(head -1 refused.txt | sed 's/^latchkey: //')"; why "$daemon" "$pattern"
  refusal "$what" "$daemon" "$pattern" "$(head -1 refused.txt | sed 's/^latchkey: //')"
}
lk_mn() { lk request retrieve /$MN/$MN --url "$https_mn" --server /$MN --in-cse /$IN --from /$MN/Cx "$@"; }
lk_in() { lk request retrieve /$IN/$IN --url "$https_in" --server /$IN --from "$@"; }
refused "wrong PSK" mn 'handshake_refused.*'$LOCK1_ID lk_mn --psk-identity $LOCK1_ID --psk-file keys/wrong.hex
refused "unknown identity" mn 'handshake_refused.*nobody@in.provider.com' lk_mn --psk-identity nobody@in.provider.com --psk-file keys/lock1.hex
refused "a key after its lifetime" mn 'handshake_refused.*old-lock' lk_mn --psk-identity old-lock@in.provider.com --psk-file keys/lock1.hex
refused "an untrusted certificate" in 'handshake_refused.*(untrusted|issuer|unable)' lk_in /$MN --cert keys/untrusted.pem --key keys/untrusted.key --trust ca/root/ca.pem
refused "an expired certificate" in 'handshake_refused.*(expired|validity)' lk_in /$MN --cert keys/expired.pem --key keys/expired.key --trust ca/root/ca.pem
if lk request retrieve /$IN/$IN --url "$https_in" --server /$MN --in-cse /$IN --from /impostor --cert keys/impostor.pem --key keys/impostor.key --trust ca/root/ca.pem >refused.txt 2>&1; then bad "a server that is another CSE was accepted"; fi
grep -q 'does not name' refused.txt || bad "a server that is another CSE was refused for another reason: $(cat refused.txt)"
ok "a certificate whose SAN is another CSE's: $(head -1 refused.txt | sed 's/^latchkey: //')"
answer 4106 "one lock speaks as the other" mn 'originator_refused.*4106' as_lock1 retrieve /$MN/$MN/back-door-lock/state/la --from Clock-AE2
printf '{"m2m:ae":{"api":"Nlatchkey.door-lock","rr":false,"srv":["3"]}}' >ae.json
answer 4106 "one lock registers as the phone" mn 'originator_refused.*Cphone.*4106' as_lock1 create /$MN/$MN --ty 2 --body ae.json --from Cphone
answer 4106 "a CSE with a certificate of its own speaks as the gateway" in 'originator_refused.*4106' lk request retrieve /$IN/$IN --url "$https_in" --server /$IN --from /$MN --cert keys/impostor.pem --key keys/impostor.key --trust ca/root/ca.pem
as_stranger() { lk request "$@" --url "$https_in" --server /$IN --psk-identity stranger@in.provider.com --psk-file keys/stranger.hex --from Cstranger; }
printf '{"m2m:ae":{"api":"Nstranger","rr":false,"srv":["3"]}}' >ae.json
as_stranger create /$IN/$IN --ty 2 --body ae.json >/dev/null || bad "the stranger cannot register"
answer 4103 "a registered stranger without privilege" mn 'access_denied.*Cstranger' as_stranger retrieve /$MN/$MN/front-door-lock/state/la
maf_as() { local who=$1; shift; lk maf "$@" --url "$https_maf" --maf $MAF_FQDN --client "$(case $who in phone) echo $DEVICE;; *) echo $STRANGER_DEVICE;; esac)" --cert keys/$who.pem --key keys/$who.key --trust ca/root/ca.pem; }
reg=$(maf_as stranger register --admin $ADMIN_FQDN | cut -d' ' -f1) || bad "the second MAF client cannot register"
key=$(maf_as phone register-key --registration macr000001 --admin $ADMIN_FQDN --target $SP/$IN --key-out own.hex | cut -d@ -f1) || bad "the phone's MAF client cannot register another key"
refused "a MAF client that is no target of the key" maf 'key_refused.*not among the targets' maf_as stranger retrieve-key "$key" --key-out stolen.hex
[ ! -e stolen.hex ] || bad "the key was handed out"
maf_as stranger register-key --registration "$reg" --admin $ADMIN_FQDN --suid 33 --target $SP/$IN --key-out esprim.hex >esprim.txt || bad "registering a key for ESPrim"
refused "a key whose SUID is for another use" in 'key_fetch_failed.*another use' lk_in Cstranger --psk-identity "$(cut -d' ' -f1 esprim.txt)" --psk-file esprim.hex

chapter "6  kill -9 in the middle"
for d in mn in maf; do eval "kill -9 \$pid_$d"; done
wait 2>/dev/null "$pid_mn" "$pid_in" "$pid_maf" || true
start maf latchkey-maf "$MAF_PORT"; start in latchkey-cse "$IN_PORT"; start mn latchkey-cse "$MN_PORT"
ok "IN-CSE, MN-CSE and MAF were killed and started again on the state they had acknowledged"
for try in 1 2 3 4 5 6; do phone read front-door && break; [ $try -lt 6 ] || bad "the phone does not get through again"; sleep 2; done
if grep -q 'renewal refused' mn.log; then bad "the gateway cannot renew its registration: $(grep 'renewal refused' mn.log)"; fi
ok "sessions and registrations recovered"
phone set "front-door UNLOCKED" || bad "unlocking after the restart"
phone expect UNLOCKED || bad "no notification after the restart"
ok "the phone unlocked the front door again"

chapter "7  Certificates made with the OpenSSL commands of Annex B"
. "$root/examples/door-lock/annex-b.sh"

if [ "$keep" = 0 ]; then
  chapter "8  What an eavesdropper has (TR-0038 7.3, Annex A)"
  python3 "$root/tests/system/check_wire.py" . >wire.txt 2>&1 || bad "the recorded octets: $(cat wire.txt)"
  while read -r mark text; do
    case $mark in +) ok "$text" ;; covers) read -ra ids <<<"$text"; covers "${ids[@]}" ;; esac
  done <wire.txt
fi

printf '\n\033[1m%s steps, all as they should be.\033[0m\n' "$steps"
finished=1
if [ "$keep" = 1 ]; then
  . "$root/examples/door-lock/keep.sh"
  (umask 077; write_env >demo.env)
  disown -a
  printf '\nThe daemons keep running. Try:\n'
  try_commands | sed 's/^/  /'
fi
