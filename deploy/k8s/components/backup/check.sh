#!/bin/sh
# check.sh: whether the server of $PGHOST has everything a restored one must have.
set -eu
for service in auth crm analytics notify; do
    psql -X -q -v ON_ERROR_STOP=1 -v service="$service" -d "$service" << 'END'
SELECT set_config('drill.service', :'service', false) \g /dev/null
DO $$
DECLARE
    service text := current_setting('drill.service');
    role text;
    number bigint;
BEGIN
    SELECT count(*) INTO STRICT number FROM alembic_version;
    ASSERT number = 1, service || ' has no schema';
    FOREACH role IN ARRAY ARRAY['owner', 'app', 'system'] LOOP
        ASSERT EXISTS (SELECT FROM pg_roles WHERE rolname = service || '_' || role
                       AND rolcanlogin AND NOT rolsuper AND NOT rolbypassrls),
               'the role ' || service || '_' || role || ' is not as it must be';
    END LOOP;
    SELECT count(*) INTO number FROM pg_policy WHERE polname = 'tenant';
    ASSERT number > 0, service || ' lets every workspace see all';
    SELECT count(*) INTO number FROM pg_class JOIN pg_policy ON polrelid = pg_class.oid
    WHERE polname = 'tenant' AND NOT (relrowsecurity AND relforcerowsecurity);
    ASSERT number = 0, service || ' has tables whose policies do not count';
END $$;
END
done
pg_amcheck --all --install-missing --no-password --heapallindexed
echo "check: four databases, their roles and policies, and every table and index are sound"
