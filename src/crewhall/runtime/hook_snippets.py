"""Programs that call a webhook, to copy: they need what every machine has. docs/webhooks.md shows the same."""

PYTHON = """\
import base64, hashlib, hmac, json, os, time, urllib.request, uuid

url, secret = os.environ["HOOK_URL"], os.environ["HOOK_SECRET"]
body = json.dumps({"title": "Nightly build", "content": "It **failed** on `main`."}).encode()
name, now = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
key = base64.b64decode(secret.removeprefix("whsec_"))
signature = base64.b64encode(hmac.digest(key, f"{name}.{now}.".encode() + body, "sha256")).decode()
headers = {
    "content-type": "application/json",
    "webhook-id": name,
    "webhook-timestamp": now,
    "webhook-signature": f"v1,{signature}",
}
print(urllib.request.urlopen(urllib.request.Request(url, body, headers)).status)
"""

CURL = """\
body='{"title": "Nightly build", "content": "It **failed** on `main`."}'
name="msg_$(openssl rand -hex 16)" now=$(date +%s)
key=$(printf %s "${HOOK_SECRET#whsec_}" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')
signature=$(printf %s "$name.$now.$body" | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary |
  openssl base64 -A)
curl --fail-with-body "$HOOK_URL" -H 'content-type: application/json' -H "webhook-id: $name" \\
  -H "webhook-timestamp: $now" -H "webhook-signature: v1,$signature" --data-binary "$body"
"""


def start_of(url: str, secret: str | None) -> str:
    """What goes before either: where to call, and with what."""
    return f"export HOOK_URL={url}\nexport HOOK_SECRET={secret or 'whsec_…'}"
