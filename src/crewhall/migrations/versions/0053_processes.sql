-- Kinds of processes; a batch of many conversations names them all.

alter table processes
    add constraint processes_kind check (kind in ('up', 'serve', 'worker', 'projector'));

-- A notice holds 8,000 bytes. Of a batch of more conversations than it names, every process read all that somebody followed
-- there, whatever had been written: such a batch makes several notices now. A place takes 57 bytes at most.
do $$
declare
    is_now text := pg_get_functiondef('append_records(uuid[], uuid[], json, text, boolean)'::regprocedure);
    was constant text := $was$    select string_agg(h.conversation_id || ':' || h.last_seq, ',') into payload
    from conversation_heads h where h.conversation_id = any (conversation_ids);
    perform pg_notify('crewhall_records', process || '|' || case when length(payload) < 7800 then payload else '*' end);
$was$;
    becomes constant text := $becomes$    for payload in
        select string_agg(p.place, ',') from (
            select h.conversation_id || ':' || h.last_seq as place, (row_number() over () - 1) / 130 as part
            from conversation_heads h where h.conversation_id = any (conversation_ids)) p
        group by p.part
    loop
        perform pg_notify('crewhall_records', process || '|' || payload);
    end loop;
$becomes$;
begin
    if position(was in is_now) = 0 then
        raise exception 'append_records does not read as it was written';
    end if;
    execute replace(is_now, was, becomes);
end $$;
