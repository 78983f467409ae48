-- Knowledge: what an organization can look up and cite.

-- A content that is, or is being, made searchable: the same bytes once per organization, however many files, sources and entries
-- are them. Who may read it follows from its origins alone. `done` of `total` (`unit`: pages, sheets, slides, chunks) is how far
-- the present `stage` has come. `look_at`: when a process is to look at it, set anew while one is at work, so that another takes
-- over from one that died; `attempt` fences what is written. `extractor` is the version that made its chunks.
create table documents (
    id uuid primary key,
    org_id uuid not null references organizations,
    sha256 bytea not null constraint documents_sha256 check (octet_length(sha256) = 32),
    media_type text not null,
    name text not null constraint documents_name check (length(name) between 1 and 255),
    size bigint not null constraint documents_size check (size >= 0),
    status text not null default 'queued' constraint documents_status check (status in (
        'queued', 'extracting', 'embedding', 'ready', 'failed')),
    done integer not null default 0 constraint documents_done check (done >= 0),
    total integer constraint documents_total check (total >= 0),
    unit text constraint documents_unit check (unit in ('page', 'sheet', 'slide', 'row', 'part', 'chunk')),
    failure_code text,
    failure text,
    title text,
    pages integer,
    characters bigint not null default 0,
    chunks integer not null default 0,
    extractor integer not null default 0,
    attempt integer not null default 0,
    look_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    ready_at timestamptz,
    unique (org_id, id),
    unique (org_id, sha256, media_type),
    constraint documents_failure check ((failure is not null) = (status = 'failed') and (failure_code is null) = (failure is null)),
    constraint documents_ready check ((ready_at is not null) or status <> 'ready')
);
create index documents_due on documents (look_at) where look_at is not null;
create index documents_org on documents (org_id, id desc);
call secure_tenant_table('documents');
call keep_updated_at('documents');

-- Where a document stands, so who may read it: a file of a conversation (whoever reads the conversation); later migrations add
-- the items of agents' sources and the entries of the wiki. A document without an origin is gone.
create table document_origins (
    id uuid primary key,
    org_id uuid not null,
    document_id uuid not null,
    kind text not null constraint document_origins_kind check (kind in ('file', 'source', 'wiki')),
    file_id uuid,
    conversation_id uuid,
    created_at timestamptz not null default now(),
    unique (org_id, id),
    foreign key (org_id, document_id) references documents (org_id, id) on delete cascade,
    foreign key (org_id, file_id) references files (org_id, id) on delete cascade,
    constraint document_origins_file check ((kind = 'file') = (file_id is not null) and (file_id is null) = (conversation_id is null))
);
create unique index document_origins_of_file on document_origins (org_id, file_id) where file_id is not null;
create index document_origins_document on document_origins (org_id, document_id);
create index document_origins_conversation on document_origins (org_id, conversation_id) where conversation_id is not null;
call secure_tenant_table('document_origins');

-- A passage of a document that can be read by itself, in Markdown. The first `overlap` characters repeat the end of the one before;
-- without them the chunks in their order are the document's text, and `starts` and `ends` count in that. `heading`: the path of
-- headings above it, outermost first. `vector`: full text in the organization's language, headings above bodies.
create table chunks (
    id uuid primary key,
    org_id uuid not null,
    document_id uuid not null,
    position integer not null constraint chunks_position check (position >= 0),
    content text not null constraint chunks_content check (length(content) between 1 and 20000),
    overlap integer not null default 0 constraint chunks_overlap check (overlap >= 0),
    page integer constraint chunks_page check (page > 0),
    heading text[] not null default '{}',
    starts bigint not null constraint chunks_starts check (starts >= 0),
    ends bigint not null,
    vector tsvector not null,
    unique (org_id, id),
    unique (document_id, position),
    constraint chunks_span check (ends >= starts),
    foreign key (org_id, document_id) references documents (org_id, id) on delete cascade
);
create index chunks_vector on chunks using gin (vector) with (fastupdate = on);
create index chunks_org on chunks (org_id, document_id, position);
call secure_tenant_table('chunks');

-- What chunks mean, one table for each dimension. `model` names who said so: models are never compared with one another. Half
-- precision loses nothing that an int8 model knows, and halves the index.
create table embeddings_384 (
    chunk_id uuid not null,
    model text not null constraint embeddings_384_model check (length(model) between 1 and 200),
    org_id uuid not null,
    document_id uuid not null,
    embedding halfvec(384) not null,
    primary key (chunk_id, model),
    foreign key (org_id, chunk_id) references chunks (org_id, id) on delete cascade
);
create index embeddings_384_nearest on embeddings_384 using hnsw (embedding halfvec_cosine_ops);
create index embeddings_384_document on embeddings_384 (org_id, model, document_id);
call secure_tenant_table('embeddings_384');

create table embeddings_1536 (
    chunk_id uuid not null,
    model text not null constraint embeddings_1536_model check (length(model) between 1 and 200),
    org_id uuid not null,
    document_id uuid not null,
    embedding halfvec(1536) not null,
    primary key (chunk_id, model),
    foreign key (org_id, chunk_id) references chunks (org_id, id) on delete cascade
);
create index embeddings_1536_nearest on embeddings_1536 using hnsw (embedding halfvec_cosine_ops);
create index embeddings_1536_document on embeddings_1536 (org_id, model, document_id);
call secure_tenant_table('embeddings_1536');
