# TR-0038 Annex B: see README.md beside this file. Needs annex-b.cnf in the working folder.
cat "$(openssl version -d | cut -d'"' -f2)/openssl.cnf" annex-b.cnf > openssl.cnf

# B.2
mkdir demoCA
mkdir demoCA/newcerts
mkdir demoCA/private
sh -c "echo '01' > ./demoCA/serial"
touch ./demoCA/index.txt

# B.3
openssl ecparam -name secp256r1 -genkey -out cakey.pem
openssl req -new -x509 -extensions v3_ca -key cakey.pem -subj "/C=US/ST=California/O=Trusted Certificate Authority/CN=mtrusted_ca.com/emailAddress=service@trusted_ca.com" -out cacert.pem -days 3650
mv cakey.pem demoCA/private/.
mv cacert.pem demoCA/.

# B.4
openssl ecparam -name secp256r1 -genkey -out in_cse_key.pem
openssl ecparam -name secp256r1 -genkey -out mn_cse_key.pem
openssl req -new -extensions SAN -key in_cse_key.pem -subj "/C=US/ST=California/O=MY_M2M_PROVIDER, Inc./CN=my.m2mprovider.org" -reqexts SAN -config <(cat openssl.cnf <(printf "[SAN]\nsubjectAltName=DNS:my.m2mprovider.org/in-cse")) -out in_cse_cert.csr -days 365
openssl req -new -extensions SAN -key mn_cse_key.pem -subj "/C=US/ST=California/O=MY_M2M_PROVIDER, Inc./CN=my.m2mprovider.org" -reqexts SAN -config <(cat openssl.cnf <(printf "[SAN]\nsubjectAltName=DNS:my.m2mprovider.org/mn-cse-123456")) -out mn_cse_cert.csr -days 365
yes | openssl ca -in in_cse_cert.csr -policy signing_policy -extensions SAN -config <(cat openssl.cnf <(printf "[SAN]\nsubjectAltName=DNS:my.m2mprovider.org/in-cse")) -verbose
yes | openssl ca -in mn_cse_cert.csr -policy signing_policy -extensions SAN -config <(cat openssl.cnf <(printf "[SAN]\nsubjectAltName=DNS:my.m2mprovider.org/mn-cse-123456")) -verbose
