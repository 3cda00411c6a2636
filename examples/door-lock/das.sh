# The DAS Server of the babysitter's chapter: its key, its policy, its configuration, and what the gateway is told of it.
openssl ecparam -name prime256v1 -genkey -noout -out keys/das-sign.key 2>/dev/null
openssl pkey -in keys/das-sign.key -pubout -out keys/das-sign.pub.pem 2>/dev/null
chmod 600 keys/das-sign.key
note prepare-das latchkey pki store-key --state-dir das/state --kek das/kek --handle sign --key keys/das-sign.key
DAS_URL="https://$DAS_FQDN:8446/-"

# hours FROM TO: hours of the day from FROM to TO from now, as a crontab window has them.
hours() { local h list=; for ((h = $1; h <= $2; h++)); do list+=,$(((10#$(date -u +%H) + h + 24) % 24)); done; echo "${list#,}"; }

cat >das-policy.toml <<EOF
[[grant]]                                  # the babysitter opens the front door, two hours long, around now
name = "front door"
originators = ["/$MN/Csitter"]
targets = ["/$MN/$MN/front-door-lock/command"]
operations = ["create"]
windows = ["* * $(hours -1 2) * * * *"]
lifetime = "2h"
gives = "policy"
granted_operations = ["create"]

[[grant]]                                  # not at this hour
name = "back door"
originators = ["/$MN/Csitter"]
targets = ["/$MN/$MN/back-door-lock/command"]
operations = ["create"]
windows = ["* * $(hours 6 9) * * * *"]
lifetime = "2h"
gives = "policy"
granted_operations = ["create"]

[[grant]]                                  # may look, with a token that she asks for; it is soon over
name = "look"
originators = ["/$MN/Csitter"]
targets = ["/$MN/$MN/front-door-lock/state"]
operations = ["retrieve"]
lifetime = "${LOOK_SECONDS}s"
gives = "token"
granted_operations = ["retrieve"]
token_name = "state of the front door"
EOF
{ daemon_config das "$DAS_PORT" das; cat <<EOF
[das]
id = "$DAS_FQDN"
sp_id = "$SP"
in_cse = "/$IN"
domains = ["$DAS_FQDN"]
kid = "das-1"
signing_key = "sign"
policy = "das-policy.toml"
[[hosting_cse]]
cse_id = "/$MN"
base_name = "$MN"
EOF
} >das.toml
das_of_the_gateway() { # and the operator that knows where its subscribers are
  cat <<EOF
[location]
url = "http://127.0.0.1:$LOCATION_PORT/location/v1"
address = "127.0.0.1"
port = $LOCATION_PORT
age_limit = "2s"
retry = "1s"
[[das]]
id = "$DAS_FQDN"
point_of_access = "$DAS_URL"
domains = ["$DAS_FQDN"]
address = "127.0.0.1"
port = $DAS_PORT
[[token_issuer]]
id = "$DAS_FQDN"
domains = ["$DAS_FQDN"]
classes = ["signature-only"]
[[token_issuer.key]]
kid = "das-1"
file = "keys/das-sign.pub.pem"
algorithms = ["ES256"]
EOF
}
