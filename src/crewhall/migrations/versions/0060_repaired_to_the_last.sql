-- A repair looks at all that search has come to, the very last record too: one at the position of its checkpoint was passed by.
do $repair$
declare
    is_now text := pg_get_functiondef('derive_anew(uuid, uuid[])'::regprocedure);
    becomes text := replace(replace(is_now,
        $$searched_to bigint := (select k.position from consumer_checkpoints k where k.consumer = 'search');$$,
        $$searched consumer_checkpoints := (select k from consumer_checkpoints k where k.consumer = 'search');$$),
        $$(r.position <= 0 or r.position < searched_to)$$,
        $$(r.position <= 0 or (r.position, r.conversation_id, r.seq)
               <= (searched.position, searched.conversation_id, searched.seq))$$);
begin
    if becomes like '%searched\_to%' or becomes = is_now then
        raise exception 'derive_anew does not read as it was written';
    end if;
    execute becomes;
end $repair$;
