-- Runs once, when the database is made: what `crewhall doctor` asks a database administrator for.
\getenv admin_password DATABASE_ADMIN_PASSWORD
\getenv app_password DATABASE_PASSWORD
create extension if not exists vector;
create extension if not exists pg_trgm;
create role "crewhall_definer" nologin;
create role "crewhall_admin" login password :'admin_password';
create role "crewhall_app" login password :'app_password';
create role "crewhall_read" nologin;
grant "crewhall_definer" to "crewhall_admin";
revoke all on database "crewhall" from public;
grant connect on database "crewhall" to "crewhall_admin", "crewhall_app", "crewhall_read", "crewhall_definer";
revoke create on schema public from public;
grant usage, create on schema public to "crewhall_admin", "crewhall_definer";
grant usage on schema public to "crewhall_app", "crewhall_read";
