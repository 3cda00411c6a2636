# A command that the cloud passes on and cannot read: ESCertKE and ESPrim (TS-0003 8.7, 8.4).
chapter "4c The spare phone: a command that the cloud cannot read (TS-0003 8.4, 8.7)"
by_cloud=(--url "$https_in" --server /$IN --in-cse /$IN --psk-identity $SPARE_ID --psk-file keys/spare.hex)
as_spare() { lk request "$@" "${by_cloud[@]}" --from Cspare; }
printf '{"m2m:ae":{"api":"Nspare","rr":false,"srv":["3"]}}' >ae.json
permitted 2001 "registration of the spare phone" as_spare create /$IN/$IN --ty 2 --body ae.json
# The command of the front door is open to it, but only if it has been authenticated by the gateway itself (acaf).
printf '{"m2m:acp":{"rn":"spare","pv":{"acr":[{"acor":["/%s/Cspare"],"acop":1,"acaf":true}]},"pvs":{"acr":[{"acor":["/%s/Clock-AE1"],"acop":63}]}}}' $IN $MN >spare.json
permitted 2001 "a policy for the spare phone" as_lock 1 create $front --ty 1 --body spare.json
as_lock 1 retrieve $front/command >command.txt 2>&1 || bad "the lock cannot read its own: $(cat command.txt)"
sed -n 2p command.txt | python3 -c 'import json, sys
print(json.dumps({"m2m:cnt": {"acpi": json.load(sys.stdin)["m2m:cnt"]["acpi"] + [sys.argv[1] + "/spare"]}}))' $front >acpi.json
permitted 2004 "another policy for the commands" as_lock 1 update $front/command --body acpi.json
answer 4103 "a command in clear, for which the cloud alone vouches" mn 'access_denied.*Cspare.*command' as_spare create $front/command --ty 4 --body unlock.json

note escertke latchkey escertke /$MN --from Cspare "${by_cloud[@]}" --cert keys/spare.pem --key keys/spare.key --trust ca/root/ca.pem --out keys/spare-gateway.hex || bad "no key: $(cat guide/output)"
pairwise=$(cut -d' ' -f1 guide/output)
ok "four ESCertKE messages passed by $IN: phone and gateway proved their certificates to each other and share a key"
as_cloud() { lk request "$@" --url "http://127.0.0.1:$IN_LOCAL_PORT" --from /$IN/Cadmin; }
printf '{"m2m:acp":{"rn":"gateway","pv":{"acr":[{"acor":["/%s"],"acop":63},{"acor":["all"],"acop":2}]},"pvs":{"acr":[{"acor":["/%s/Cadmin"],"acop":63}]}}}' $MN $IN >gateway.json
permitted 2001 "a policy for what the cloud holds about the gateway" as_cloud create /$IN/$IN --ty 1 --body gateway.json
printf '{"m2m:csr":{"acpi":["%s/gateway"]}}' $IN >readable.json
permitted 2004 "it may be read by all, and renewed by the gateway" as_cloud update /$IN/$IN/$MN --body readable.json
protected=(--esprim-to /$MN --esprim-key-id "$pairwise" --esprim-key keys/spare-gateway.hex --esprim-info /$IN/$IN/$MN)
unlocked=$(grep -c 'bolt UNLOCKED' lock1.log) || true
note esprim latchkey request create $front/command --ty 4 --body unlock.json "${by_cloud[@]}" --from Cspare "${protected[@]}" --esprim-trace seen.jsonl || bad "unlocking: $(cat guide/output)"
wait_for_bolt || bad "the bolt did not move"
ok "the spare phone sent the same command protected, and the front door is UNLOCKED"
why mn 'access_permitted.*Cspare.*command'
if grep -qE 'UNLOCKED|front-door' seen.jsonl; then bad "the cloud could read the command"; fi
tail -1 seen.jsonl >seen.json
python3 -c 'import base64, json
outer = json.load(open("seen.json"))
header = outer["pc"]["m2m:seci"]["epo"].split(".")[0]
clear = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
print("{op %d, to %s, fr %s}, sealed with %s under key %s..." % (outer["op"], outer["to"], outer["fr"], clear["enc"], clear["kid"][:8]))' >seen.txt || bad "$(cat seen.jsonl)"
ok "all that $IN saw: $(cat seen.txt)"

python3 -c 'import json
outer = json.load(open("seen.json"))
json.dump(outer["pc"], open("again.json", "w"))
text = outer["pc"]["m2m:seci"]["epo"]
outer["pc"]["m2m:seci"]["epo"] = text[:-40] + ("A" if text[-40] != "A" else "B") + text[-39:]
json.dump(outer["pc"], open("changed.json", "w"))'
answer 5210 "the same envelope, sent again by somebody on the way" mn 'originator_refused.*ESPrim: replayed' as_spare notify /$MN/- --body again.json
answer 4115 "an envelope of which somebody on the way has changed a letter" mn 'originator_refused.*ESPrim: tag' as_spare notify /$MN/- --body changed.json
refused_inside() { lk request create $front/command --ty 4 --body unlock.json "${by_cloud[@]}" --from Cspare "${protected[@]}" --esprim-from /$IN/Cphone; }
if refused_inside >refused.txt 2>&1; then bad "the spare phone spoke as the other"; fi
wait_for 3 mn/decisions.jsonl 'originator_refused.*ESPrim: impersonation' || bad "refused, but not for impersonation: $(cat refused.txt)"
ok "the spare phone speaks as the other phone inside: $(head -1 refused.txt | sed 's/^latchkey: //')"
why mn 'originator_refused.*ESPrim: impersonation'
