"""An agent that knows nothing but Kafka: it reads what is for it from one topic, and says what it says in another.

    pip install aiokafka
    KAFKA_BOOTSTRAP=localhost:9092 CREWHALL_TOPICS=crewhall.agent.….  python agent.py

CREWHALL_TOPICS is what the agent's topics begin with (`crewhall agent topics show CODE`). Where Kafka asks who is
there: KAFKA_USER and KAFKA_PASSWORD, and KAFKA_CA, the file with the certificate that its brokers are known by.
"""

import asyncio
import json
import os
import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer


def answer(message: dict[str, Any]) -> str:
    """What the agent makes of a message: here is where a model, a search or a sum would be asked."""
    return f"{message['author']['name']}, you wrote {len(message['content'].split())} words."


def connection() -> dict[str, Any]:
    """How Kafka is reached."""
    options: dict[str, Any] = {"bootstrap_servers": os.environ["KAFKA_BOOTSTRAP"]}
    if user := os.environ.get("KAFKA_USER"):
        options |= {
            "security_protocol": "SASL_SSL",
            "ssl_context": ssl.create_default_context(cafile=os.environ.get("KAFKA_CA")),
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": user,
            "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
        }
    return options


async def main() -> None:
    """Answer until the process is ended."""
    prefix = os.environ["CREWHALL_TOPICS"]
    producer = AIOKafkaProducer(**connection(), acks="all", enable_idempotence=True)
    inbox = AIOKafkaConsumer(
        f"{prefix}inbox", **connection(), group_id=f"{prefix}readers", enable_auto_commit=False,
        auto_offset_reset="earliest",
    )  # fmt: skip
    async with producer, inbox:
        print("listening", flush=True)
        async for record in inbox:
            message = json.loads(record.value)["message"]
            if message["deleted_at"] is None:
                said = {
                    "conversation_id": message["conversation_id"],
                    "parent_id": message["parent_id"],
                    "content": answer(message),
                    "client_id": f"answer:{message['id']}",  # the same answer once, however often it is sent
                }
                await producer.send_and_wait(f"{prefix}outbox", json.dumps(said).encode())
            await inbox.commit()  # only now: who dies before is given the message again


if __name__ == "__main__":
    asyncio.run(main())
