
from tests.identity.hall import PASSWORD, Hall


async def test_signing_in_gives_tokens_that_work(hall: Hall):
    org = await hall.make_org()
    answer = await hall.client().post("/auth/login", json={"email": org.owner.email.upper(), "password": PASSWORD})
    assert answer.status_code == 200
    body = answer.json()
    assert body["token_type"] == "bearer"
    assert body["expires_in"] == 3600
    assert body["organization"]["id"] == str(org.id)
    me = await hall.client(body["access_token"]).get("/me")
    assert me.json()["user"]["email"] == org.owner.email
    assert me.json()["role"] == "owner"
