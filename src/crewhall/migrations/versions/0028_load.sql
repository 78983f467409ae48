-- Members in the order in which they joined: a page of a channel that thousands are in read them all, and sorted them.
create index conversation_members_joined on conversation_members (conversation_id, joined_at, member_id);
