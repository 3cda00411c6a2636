# The babysitter: dynamic authorization, direct and indirect (TS-0003 7.3.2).
chapter "4b The babysitter: dynamic authorization (TS-0003 7.3.2)"
front=/$MN/$MN/front-door-lock back=/$MN/$MN/back-door-lock
as_lock() { # N ARGUMENTS...
  local n=$1 id key; shift
  case $n in 1) id=$LOCK1_ID key=keys/lock1.hex ;; 2) id=$LOCK2_ID key=keys/lock2.hex ;; esac
  lk request "$@" --url "$https_mn" --server /$MN --in-cse /$IN --psk-identity "$id" --psk-file $key --from Clock-AE"$n"
}
as_sitter() { lk request "$@" --url "$https_mn" --server /$MN --in-cse /$IN --psk-identity $SITTER_ID --psk-file keys/sitter.hex --from Csitter; }
# permitted CODE WHAT COMMAND...: the request is answered with that code.
permitted() { local got; got=$("${@:3}" 2>&1) || bad "$2: $got"; case $got in "$1 "*) ;; *) bad "$2: $got" ;; esac; }

note check latchkey-das --config das.toml --check || bad "das.toml: $(cat guide/output)"
printf '{"m2m:ae":{"api":"Nsitter","rr":false,"srv":["3"]}}' >sitter.json
permitted 2001 "registration of the babysitter" as_sitter create /$MN/$MN --ty 2 --body sitter.json
printf '{"m2m:cin":{"con":"UNLOCKED"}}' >unlock.json
answer 4103 "the babysitter, of whom no policy speaks" mn 'access_denied.*Csitter.*front-door' as_sitter create $front/command --ty 4 --body unlock.json

printf '{"m2m:dac":{"rn":"house","dae":true,"dap":["%s"]}}' "$DAS_URL" >dac.json
for n in 1 2; do
  case $n in 1) lock=$front ;; 2) lock=$back ;; esac
  permitted 2001 "consultation of lock $n" as_lock $n create $lock --ty 34 --body dac.json
  printf '{"m2m:cnt":{"daci":["%s/house"]}}' $lock >daci.json
  permitted 2004 "daci of the commands of lock $n" as_lock $n update $lock/command --body daci.json
done
# For the state the gateway asks nobody itself.
printf '{"m2m:dac":{"rn":"tokens","dae":false,"dap":["%s"]}}' "$DAS_URL" >dac.json
permitted 2001 "consultation for tokens" as_lock 1 create $front --ty 34 --body dac.json
printf '{"m2m:cnt":{"daci":["%s/tokens"]}}' $front >daci.json
permitted 2004 "daci of the state" as_lock 1 update $front/state --body daci.json
ok "both locks refer to the DAS Server $DAS_FQDN for whom their policies do not name"
answer 4103 "while the DAS Server is down, that means no" mn 'das_consulted.*Csitter.*no answer' as_sitter create $front/command --ty 4 --body unlock.json
start das latchkey-das "$DAS_PORT"
sleep 2.5  # a failure is not asked for again for two seconds

unlocked=$(grep -c 'bolt UNLOCKED' lock1.log) || true
wait_for_bolt() { local end=$((SECONDS + 10)); until [ "$(grep -c 'bolt UNLOCKED' lock1.log)" -gt "$unlocked" ]; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done; }
permitted 2001 "the babysitter unlocks" as_sitter create $front/command --ty 4 --body unlock.json
more_than 0 mn 'das_consulted.*Csitter.*policy acp' || bad "the gateway did not ask the DAS Server"
wait_for_bolt || bad "the bolt did not move"
ok "direct: the gateway asked the DAS Server, got a policy for two hours, and the front door is UNLOCKED"
why mn 'das_consulted.*Csitter.*policy acp'
why mn 'access_permitted.*Csitter.*front-door-lock/command'
asked=$(grep -c 'das_consulted' mn/decisions.jsonl)
permitted 2001 "the babysitter unlocks again" as_sitter create $front/command --ty 4 --body unlock.json
[ "$(grep -c 'das_consulted' mn/decisions.jsonl)" = "$asked" ] || bad "the DAS Server was asked although a policy permits"
ok "a second time nobody is asked: the policy is there"
explain permitted create /$MN/Csitter $front/command 4
later=$(date -u -d '+8 hours' +%Y%m%dT%H%M%S)
note explain latchkey authz explain --admin mn/admin.sock --originator /$MN/Csitter --operation create --ty 4 --target $front/command --time "$later" || bad "authz explain"
grep -q '^denied' guide/output && grep -q 'in no time window' guide/output || bad "at another hour: $(cat guide/output)"
ok "latchkey authz explain: at another hour that policy would not permit: $(grep -o 'context 0 does not fit: .*' guide/output | head -1)"
answer 4103 "the back door, which is for another hour" das 'Csitter.*back-door' as_sitter create $back/command --ty 4 --body unlock.json

# A role that would do: she need not know that there is one.
printf '{"m2m:acp":{"rn":"family","pv":{"acr":[{"acor":["family@%s"],"acop":2}]},"pvs":{"acr":[{"acor":["/%s/Clock-AE1"],"acop":63}]}}}' $DAS_FQDN $MN >family.json
permitted 2001 "a policy with a role" as_lock 1 create $front --ty 1 --body family.json
printf '{"m2m:cnt":{"acpi":["%s/state-access","%s/family"]}}' $front $front >acpi.json
permitted 2004 "the state for the family" as_lock 1 update $front/state --body acpi.json
answer 4103 "reading the state" mn 'access_denied.*Csitter.*state' as_sitter retrieve $front/state/la
ask_gateway() { latchkey --json request retrieve $front/state/la -p tqi=true --url "$https_mn" --server /$MN --in-cse /$IN --psk-identity $SITTER_ID --psk-file keys/sitter.hex --from Csitter; }
ask_das() { note das-ask latchkey das ask --info "$1" --from /$MN/Csitter --url "https://127.0.0.1:$DAS_PORT" --server $DAS_FQDN --psk-identity $SITTER_ID --psk-file keys/sitter.hex "${@:2}"; }
ask_gateway >refused.json 2>/dev/null || true
grep -q "\"uri\":\"$DAS_URL\"" refused.json || bad "nobody says where to get a token: $(cat refused.json)"
ok "indirect: asked with tqi, the gateway says which DAS Server issues tokens, and gives her a sealed question for it"
# parts TEXT: each part of a compact envelope decoded: all that can be read of it without a key.
parts() { python3 -c 'import base64, sys
for part in sys.argv[1].split("."): sys.stdout.buffer.write(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) + b"\n")' "$1"; }
! grep -q '"dreq"' refused.json || bad "the question stands there in clear too: $(cat refused.json)"
python3 -c 'import json; print(json.load(open("refused.json"))["tqf"]["dasi"][0]["sdr"])' >sdr.txt || bad "no sealed question: $(cat refused.json)"
parts "$(cat sdr.txt)" >readable.bin
! grep -aqE 'family|Csitter|front-door' refused.json readable.bin || bad "she can read what it says: $(cat readable.bin)"
note esdata-inspect latchkey esdata inspect sdr.txt || bad "esdata inspect: $(cat guide/output)"
tell "what she sees of it: $(head -1 guide/output)"
ok "neither the role that would help, nor her own name, nor the door can be read in it (ESData, TS-0003 8.5)"
python3 -c 'import json, sys
told = json.load(open("refused.json"))
one = told["tqf"]["dasi"][0]
one["sdr"] = one["sdr"][:-8] + ("AAAAAAAA" if one["sdr"][-8:] != "AAAAAAAA" else "BBBBBBBB")
json.dump(told, open("changed.json", "w"))
json.dump({"dasi": [{"uri": one["uri"], "dreq": {"or": sys.argv[1], "op": 2, "trid": sys.argv[2]}}]}, open("clear.json", "w"))' $SP/$MN/Csitter $front/state
! ask_das clear.json || bad "the DAS Server answers a question in clear"
more_than 0 das 'token_refused.*Csitter.*with what it secured' || bad "why does the DAS Server refuse a question in clear?"
! ask_das changed.json || bad "the DAS Server takes a question that was changed"
more_than 0 das 'token_refused.*sdr: integrity' || bad "why does the DAS Server refuse what was changed?"
ok "a question in clear, or one that she changed, gets no token"
why das 'token_refused.*sdr: integrity'
ask_das refused.json --out token.txt || bad "no token: $(cat guide/output)"
more_than 0 das "token_issued.*Csitter.*secured by $SP/$MN" || bad "the DAS Server did not open the question"
why das 'token_issued.*Csitter.*secured by'
! ask_das refused.json || bad "the same question gets a second token"
more_than 0 das 'token_refused.*issued for it before' || bad "why no second token?"
parts "$(cat token.txt)" >readable.bin
! grep -aqE 'Csitter|front-door|azp' readable.bin || bad "she can read the token: $(cat readable.bin)"
ok "the DAS Server opened it and issued a token, once; that is for the gateway's eyes alone too"
asked_at=$SECONDS
as_sitter retrieve $front/state/la --token token.txt >with-token.txt 2>&1 || bad "the token does not help: $(cat with-token.txt)"
grep -q UNLOCKED with-token.txt || bad "$(cat with-token.txt)"
local_id=$(sed -n 's/^local token ids: .*"lti":"\([^"]*\)".*/\1/p' with-token.txt)
[ -n "$local_id" ] || bad "no Local-Token-ID: $(cat with-token.txt)"
ok "with the token that the DAS Server issued she reads the state, and is told a short name for the token"
covers 7.3.2.3-01 7.3.2.3-02 7.3.2.3-03 7.3.2.3-04 7.3.2.6.3-01
permitted 2000 "reading by the Local-Token-ID" as_sitter retrieve $front/state/la -p "ltids=$local_id"
answer 4103 "the same token for the other door" mn 'access_denied.*Csitter.*back-door-lock/state' as_sitter retrieve $back/state/la --token token.txt
sleep 2.1
permitted 2000 "the same when the gateway must have asked again" as_sitter retrieve $front/state/la -p "ltids=$local_id"
answer 4103 "her token in the hands of lock 2" mn 'access_denied.*Clock-AE2.*holder' as_lock 2 retrieve $front/state/la --token token.txt
token_id=$(latchkey --json das list --admin das/admin.sock | python3 -c 'import json, sys
print([one["id"] for one in json.load(sys.stdin) if one["kind"] == "token" and not one["revoked"]][0])')
note das-revoke latchkey das revoke --admin das/admin.sock "$token_id" || bad "revoke: $(cat guide/output)"
sleep 2.1
answer 4103 "the token that the DAS Server has revoked" mn 'access_denied.*Csitter.*not confirmed' as_sitter retrieve $front/state/la -p "ltids=$local_id"
why mn 'access_denied.*Csitter.*not confirmed'
[ $((SECONDS - asked_at)) -ge $((LOOK_SECONDS + 1)) ] || sleep $((LOOK_SECONDS + 1 - SECONDS + asked_at))
answer 4103 "the token after its end" mn 'access_denied.*Csitter.*expired' as_sitter retrieve $front/state/la -p "ltids=$local_id"

# Where she is counts too: the bell of the house answers to whom is near.
python3 "$root/examples/door-lock/location_server.py" "$LOCATION_PORT" sitter.place >>location.log 2>&1 &
PIDS+=($!)
echo 48.8501 2.3501 >sitter.place
until (exec 3<>"/dev/tcp/127.0.0.1/$LOCATION_PORT") 2>/dev/null; do sleep 0.05; done
printf '{"m2m:acp":{"rn":"near","pv":{"acr":[{"acor":["/%s/Csitter"],"acop":2,"acco":[{"aclr":{"accr":[48.85,2.35,200]}}]},{"acor":["/%s/Clock-AE1"],"acop":63}]},"pvs":{"acr":[{"acor":["/%s/Clock-AE1"],"acop":63}]}}}' $MN $MN $MN >near.json
permitted 2001 "a policy of place" as_lock 1 create $front --ty 1 --body near.json
printf '{"m2m:cnt":{"rn":"bell","acpi":["%s/near"]}}' $front >bell.json
permitted 2001 "the bell" as_lock 1 create $front --ty 3 --body bell.json
permitted 2000 "the bell, in the house" as_sitter retrieve $front/bell
ok "within 200 m of the house, says the operator's location server, she may use the bell"
why mn 'access_permitted.*Csitter.*bell'
echo 48.9000 2.3500 >sitter.place
sleep 2.6  # what was known is too old
answer 4103 "the bell, from the other end of the town" mn 'access_denied.*Csitter.*bell' as_sitter retrieve $front/bell
note explain latchkey authz explain --admin mn/admin.sock --originator /$MN/Csitter --operation retrieve --target $front/bell --at 48.9,2.35 || bad "authz explain"
grep -q 'outside the region' guide/output || bad "explain: $(cat guide/output)"
ok "latchkey authz explain: $(grep -o 'context 0 does not fit: .*' guide/output | head -1)"
