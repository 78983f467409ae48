"""A connection to GitHub, a repository, and a delivery that was kept, for those who try what they may."""

import httpx

from crewhall.work.github.signing import sign


async def mirror(owner: httpx.AsyncClient, name: str = "octo/hall") -> dict[str, str]:
    """The ids of what an organization has of GitHub."""
    made = (await owner.post("/github/connections", json={"token": "ghp_of_nobody"})).raise_for_status().json()
    body = {"connection_id": made["id"], "full_name": name}
    repository = (await owner.post("/github/repositories", json=body)).raise_for_status().json()
    headers = {
        "x-github-event": "ping",
        "x-github-delivery": name,
        "x-hub-signature-256": sign(made["webhook_secret"], b"{}"),
    }
    (await owner.post(f"/github/hooks/{made['id']}", content=b"{}", headers=headers)).raise_for_status()
    kept = (await owner.get("/github/deliveries")).raise_for_status().json()["items"]
    return {"connection_id": made["id"], "repository_id": repository["id"], "delivery_id": kept[0]["id"]}
