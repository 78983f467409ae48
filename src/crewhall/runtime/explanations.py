"""Why an agent speaks, waits or stays silent, in a sentence for people. Every face says it in the same words."""

from crewhall.runtime.vocabulary import Cause, Outcome, Reason, RunStatus, WaitsFor

CAUSES = {
    Cause.MENTION: "{agent} was mentioned",
    Cause.REPLY: "somebody replied to {agent}",
    Cause.DIRECT: "it was written to {agent}",
    Cause.AUTO: "{agent} follows what is said here",
    Cause.QUICK_TASK: "a quick task was given to {agent}",
    Cause.RUN_NOW: "{agent} was asked to take a turn",
    Cause.SCHEDULE: "it is the time that {agent}'s schedule names",
    Cause.WEBHOOK: "a webhook called {agent}",
    Cause.API: "a program asked {agent} for a turn",
    Cause.TRY: "{agent} was tried out",
}
SPOKEN = {
    Reason.ASKED: "{agent} answers: {cause}.",
    Reason.FOLLOWS: "{agent} answers unasked: the conversation's policy lets it follow what is said here.",
}
WAITS = {
    Reason.BUSY: "{agent} is still at its turn here; this is decided again when that ends.",
    Reason.COOLDOWN: "{agent} rests after its last message, as the conversation's policy says.",
    Reason.OUTSIDE_HOURS: "{agent} is outside its working hours.",
    Reason.RATE: "Agents of {agent}'s kind have begun as many turns as they may for now; it answers a little later.",
}
SILENT = {
    Reason.COVERED: "Another turn of {agent} has this message before it: it is answered there.",
    Reason.ROUNDS: "Agents have spoken as often as the policy allows since a person did. Write something to go on.",
    Reason.ONE_AGENT: "Agents do not answer each other here: the policy says so.",
    Reason.INACTIVE: "{agent} takes no turns: it is switched off or deleted.",
    Reason.NOT_HERE: "{agent} cannot read this: it is no member here, or became one later. "
    "Add it where members can be added, or write to it.",
    Reason.CLOSED: "The conversation takes no messages.",
    Reason.GONE: "The message was deleted.",
    Reason.AWAY: "{agent} is offline, and nobody asked for it by name.",
    Reason.BUDGET: "A budget that {agent} spends from here is used up. An owner or an admin can raise it.",
}
WORDS = {Outcome.SPEAK: SPOKEN, Outcome.WAIT: WAITS, Outcome.SILENT: SILENT}


AWAY = "{agent} is offline; it finds this when it is back."


def explain(agent: str, cause: Cause, outcome: Outcome, reason: Reason, *, is_away: bool = False) -> str:
    """Return the sentence for a decision about the agent of that name; `is_away`: its program is not there now."""
    if is_away and outcome is Outcome.SPEAK:
        return AWAY.format(agent=agent)
    sentence = WORDS[outcome].get(reason, "{agent}: " + str(reason) + ".")
    return sentence.format(agent=agent, cause=CAUSES[cause].format(agent=agent))


ENDED = {
    "answered": "{agent} answered.",
    "delivered": "{agent} was told: its own program answers.",
    "silent": "{agent} had nothing to say.",
    "tried": "{agent} answered whoever tried it out.",
    "canceled": "{by} stopped it.",
    "refused": "{agent} may no longer write there.",
    "runtime_failed": "{agent} could not be asked where it is served.",
    "inactive": "{agent} was switched off before it began.",
    "budget": "A budget had no room for it.",
    "timed_out": "{agent} took too long.",
    "too_many_requests": "{agent} asked its model too often.",
    "model_unavailable": "{agent}'s model was away.",
    "model_failed": "{agent}'s model failed.",
    "provider_paused": "{agent}'s model was not asked: it had failed too often.",
    "runtime_paused": "{agent} was not asked: where it is served had failed too often.",
    "diverged": "Another version of Crewhall took it over.",
    "crashed": "It broke off too often.",
    "forsaken": "The program that asked did not come back.",
    "internal": "Something went wrong within Crewhall.",
}
"""How a turn ended, in short; what people were told of it (`detail`) says more."""
ANSWERING = frozenset({"answered", "delivered", "tried"})
"""Ends of turns that answer what they were for."""
BROKEN_OFF = (
    "It was begun and then broken off: whether it was done is not known. Look before you decide; approved, it is done "
    "(once more)."
)
"""Why a person is asked about a call that an attempt died over."""
GOING_ON = {
    RunStatus.QUEUED: "{agent} is about to begin.",
    RunStatus.RUNNING: "{agent} is at work.",
    RunStatus.WAITING: "{agent} waits for a person's decision.",
}
WAITING = {
    WaitsFor.DECISION: "{agent} waits for a decision.",
    WaitsFor.PROGRAM: "{agent} waits for the program that asked it.",
}


def describe(
    agent: str,
    status: RunStatus,
    reason: str | None,
    detail: str | None = None,
    *,
    by: str | None = None,
    waits_for: WaitsFor | None = None,
) -> str:
    """Return how a run stands or how it ended, in a sentence: what was told (`detail`), else the short one.

    `by`: who stopped it; `waits_for`: what it waits for, if it does.
    """
    if status in GOING_ON:
        return (WAITING[waits_for] if waits_for else GOING_ON[status]).format(agent=agent)
    otherwise = "{agent} ended: " + (reason or "nobody knows why") + "."
    return detail or ENDED.get(reason or "", otherwise).format(agent=agent, by=by or "Somebody")


def what_it_answers(status: RunStatus, reason: str | None, count: int, most: int) -> str:
    """Return how many messages a turn answers, or was to answer, in words; more than `most` are not counted."""
    verb = "is to answer" if status in GOING_ON else "answers" if reason in ANSWERING else "was to answer"
    return f"It {verb} {count if count <= most else f'more than {most}'} messages together"
