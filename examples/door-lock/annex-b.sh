# A second run of the certificate step with what the OpenSSL commands of TR-0038 Annex B make: a `host/cse-id` dNSName, no
# keyUsage, an unconstrained root. Admitted only under annex_b_certificates, with a warning. Sourced by story.sh.
# One word differs from the guide: its policy asks for a subjectAltName in the subject, which OpenSSL never finds there.
mkdir annexb; cd annexb
cp /etc/ssl/openssl.cnf openssl.cnf
cat >>openssl.cnf <<'EOF'
[ CA_default ]
unique_subject = no
[signing_policy]
countryName = optional
stateOrProvinceName = optional
localityName = optional
organizationName = optional
organizationalUnitName = optional
commonName = supplied
emailAddress = optional
subjectAltName = optional
EOF
{ mkdir demoCA demoCA/newcerts demoCA/private; echo 01 >demoCA/serial; : >demoCA/index.txt
  openssl ecparam -name prime256v1 -genkey -out cakey.pem
  openssl req -new -x509 -extensions v3_ca -key cakey.pem -subj "/C=US/ST=California/O=Trusted Certificate Authority/CN=mtrusted_ca.com/emailAddress=service@trusted_ca.com" -out cacert.pem -days 3650 -config openssl.cnf
  mv cakey.pem demoCA/private/; mv cacert.pem demoCA/
  for cse in in:in-cse:in-cse mn:mn-cse:mn-cse-123456; do  # the guide asks for mn-cse, and is given mn-cse-123456
    IFS=: read -r name asked id <<<"$cse"
    openssl ecparam -name prime256v1 -genkey -out ${name}_cse_key.pem; chmod 600 ${name}_cse_key.pem
    with_san() { cat openssl.cnf; printf "[SAN]\nsubjectAltName=DNS:my.m2mprovider.org/%s" "$1"; }
    with_san "$asked" >san.cnf
    openssl req -new -extensions SAN -key ${name}_cse_key.pem -subj "/C=US/ST=California/O=MY_M2M_PROVIDER, Inc./CN=my.m2mprovider.org" -reqexts SAN -config san.cnf -out ${name}_cse_cert.csr
    with_san "$id" >san.cnf
    openssl ca -batch -notext -in ${name}_cse_cert.csr -policy signing_policy -extensions SAN -config san.cnf -days 365
  done; } >openssl.log 2>&1 || bad "the OpenSSL commands of Annex B: $(tail -5 openssl.log)"
openssl req -in mn_cse_cert.csr -noout -text | grep -q 'DNS:my.m2mprovider.org/mn-cse$' || bad "the request of Annex B does not ask for mn-cse"
openssl x509 -in demoCA/newcerts/02.pem -noout -ext subjectAltName | grep -q 'DNS:my.m2mprovider.org/mn-cse-123456$' || bad "02.pem does not name mn-cse-123456"
cd ..
cp annexb/demoCA/newcerts/01.pem keys/in-b.pem; cp annexb/demoCA/newcerts/02.pem keys/mn-b.pem
prepare in-b annexb/in_cse_key.pem; prepare mn-b annexb/mn_cse_key.pem
IN_B=$(free_port) MN_B=$(free_port)
annex_b() { # SWITCH
  { daemon_config in-b "$IN_B" in-b annexb/demoCA/cacert.pem "annex_b_certificates = $1"; printf '[cse]\ntype = "IN"\nsp_id = "%s"\ncse_id = "/%s"\n' $SP $IN; } >in-b.toml
  { daemon_config mn-b "$MN_B" mn-b annexb/demoCA/cacert.pem "annex_b_certificates = $1"
    printf '[cse]\ntype = "MN"\nsp_id = "%s"\ncse_id = "/%s"\nin_cse = "/%s"\nregistrar = "/%s"\n[[peer]]\ncse_id = "/%s"\naddress = "127.0.0.1"\nport = %s\n' $SP $MN $IN $IN $IN "$IN_B"; } >mn-b.toml
}
run_b() { "$bin/latchkey-cse" --config in-b.toml >>in-b.log 2>&1 & pid_in_b=$!; "$bin/latchkey-cse" --config mn-b.toml >>mn-b.log 2>&1 & pid_mn_b=$!; PIDS+=($pid_in_b $pid_mn_b); }
stop_b() { kill $pid_in_b $pid_mn_b 2>/dev/null; wait $pid_in_b $pid_mn_b 2>/dev/null || true; }
annex_b false; run_b
if wait_for 4 in-b/decisions.jsonl registration_ok; then bad "Annex B certificates were accepted without the switch"; fi
stop_b
ok "without annex_b_certificates they are refused"
annex_b true; run_b
wait_for 15 in-b/decisions.jsonl registration_ok || bad "Annex B certificates were refused under the switch"
stop_b
ok "under annex_b_certificates the gateway registers with them"
covers TR-B.2-01 TR-B.2-03 TR-B.3-01 TR-B.3-02 TR-B.4-01 TR-B.4-02 TR-B.4-03 TR-B.4-04 TR-B.4-05 TR-7.1.3-02 TR-7.1.3-03
