"""Follows one connection of an SSE stream with the standard library.

Arguments: the URL, and the headers as JSON. Prints each event as one line of JSON. Exits when the connection ends.
"""

import http.client
import json
import sys
import urllib.request


def events_of(lines):
    """Parses the lines of a stream as the SSE standard says."""
    name, data, last_id = "", [], ""
    for line in lines:
        text = line.decode("utf-8").rstrip("\r\n")
        field, _, value = text.partition(":")
        value = value.removeprefix(" ")
        if text == "":
            if data:
                yield {"event": name or "message", "data": "\n".join(data), "id": last_id}
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif field == "id":
            last_id = value


def main():
    url, headers = sys.argv[1], json.loads(sys.argv[2])
    # A proxy that the environment names must not be used for the loopback interface.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(urllib.request.Request(url, headers=headers)) as response:
            for event in events_of(response):
                print(json.dumps(event), flush=True)
    except (http.client.IncompleteRead, ConnectionError):
        pass  # The server cut the connection.


main()
