-- Derives triggers as derive_triggers does, and wakes who decides about them, as name_places (runtime/places.py) words it:
-- a transaction by itself, in one trip. It does not wait for the disk: what is lost to a power cut is derived again.
create function announce_triggers(size integer, most integer) returns table (seen integer, named text)
language plpgsql volatile as $$
declare
    found record;
begin
    perform set_config('synchronous_commit', 'off', true);
    select d.seen, d.places into strict found from derive_triggers(size) d;
    select case when count(*) > most then string_agg(distinct shard_of(p.conversation_id)::text, ',')
                else string_agg(p.org_id || '/' || p.conversation_id || '/' || p.agent_id, ',') end
    into named
    from jsonb_to_recordset(found.places) as p (org_id uuid, conversation_id uuid, agent_id uuid);
    if named is not null then
        perform pg_notify('crewhall_triggers', named);
    end if;
    seen := found.seen;
    return next;
end $$;
