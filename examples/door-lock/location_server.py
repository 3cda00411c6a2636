"""The operator's location server of the story: where a terminal is stands in a file, "latitude longitude".
usage: location_server.py PORT FILE. Answers the query of OMA Terminal Location 1.0 in JSON."""
import datetime
import http.server
import json
import sys
import urllib.parse


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        address = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query).get("address", [""])[0]
        with open(sys.argv[2], encoding="ascii") as file:
            latitude, longitude = map(float, file.read().split())
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
        place = {"latitude": latitude, "longitude": longitude, "accuracy": 20, "timestamp": now}
        terminal = {"address": address, "locationRetrievalStatus": "Retrieved", "currentLocation": place}
        body = json.dumps({"terminalLocationList": {"terminalLocation": terminal}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
