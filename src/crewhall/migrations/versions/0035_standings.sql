-- How calls of one conversation stand is asked by each page that shows it: not among all of its organization's.

create index approvals_place on approvals (conversation_id, id desc);
