"""The OpenAI door: agents as models, at `/v1`."""
