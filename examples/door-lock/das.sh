# The DAS Server of the babysitter's chapter: its key, its policy, its configuration, and what the gateway is told of it.
openssl ecparam -name prime256v1 -genkey -noout -out keys/das-sign.key 2>/dev/null
openssl pkey -in keys/das-sign.key -pubout -out keys/das-sign.pub.pem 2>/dev/null
chmod 600 keys/das-sign.key
note prepare-das latchkey pki store-key --state-dir das/state --kek das/kek --handle sign --key keys/das-sign.key
# What goes by way of the originator is for the other end alone: what she is to ask the DAS Server, and the token.
end_key() { # NAME STATE HANDLE: a private key into a Secure Environment, its public key for the other end
  openssl ecparam -name prime256v1 -genkey -noout -out "keys/$1.key" 2>/dev/null
  openssl pkey -in "keys/$1.key" -pubout -out "keys/$1.pub.pem" 2>/dev/null
  chmod 600 "keys/$1.key"
  note "prepare-ends" latchkey pki store-key --state-dir "$2/state" --kek "$2/kek" --handle "$3" --key "keys/$1.key"
}
end_key das-open das open; end_key mn-sign mn sign; end_key mn-open mn open
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
encryption_key = "keys/mn-open.pub.pem"
encryption_kid = "gateway-open"
only_secured_requests = true
[[hosting_cse.request_key]]
kid = "gateway-sign"
file = "keys/mn-sign.pub.pem"
algorithms = ["ES256"]
[secured_requests]
classes = ["sign-then-encrypt"]
[[secured_requests.key]]
kid = "das-open"
key = "open"
algorithms = ["ECDH-ES+A256KW"]
encryptions = ["A256GCM"]
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
[das.secured_requests]
kid = "das-open"
file = "keys/das-open.pub.pem"
sign_kid = "gateway-sign"
sign_key = "sign"
[[token_key]]
kid = "gateway-open"
key = "open"
algorithms = ["ECDH-ES+A256KW"]
encryptions = ["A256GCM"]
[[token_issuer]]
id = "$DAS_FQDN"
domains = ["$DAS_FQDN"]
classes = ["sign-then-encrypt"]
recheck = "2s"
[[token_issuer.key]]
kid = "das-1"
file = "keys/das-sign.pub.pem"
algorithms = ["ES256"]
EOF
}
