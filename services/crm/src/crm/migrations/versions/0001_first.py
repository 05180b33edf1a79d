"""The first tables."""

from alembic import op

from kit.dead_letters import dead_letters
from kit.files import file_chunks, files
from kit.idempotency import idempotency_keys
from kit.inbox import inbox
from kit.jobs.table import jobs
from kit.migrations import grant, kit_tables, tenant_table
from kit.outbox import outbox

revision = "0001"
down_revision = None

# Frozen as they were; a test compares what all migrations make with adapters/tables.py.
TABLES = """
CREATE TABLE workspaces (
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    PRIMARY KEY (workspace_id)
);

CREATE TABLE stages (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    position INTEGER NOT NULL,
    rotting_days INTEGER NOT NULL,
    default_probability DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name),
    CONSTRAINT ck_stages_type CHECK (type IN ('open', 'won', 'lost'))
);

CREATE TABLE lost_reasons (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    name TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (workspace_id, id),
    UNIQUE (workspace_id, name)
);

CREATE TABLE owners (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    user_id UUID,
    removed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (workspace_id, id)
);
CREATE UNIQUE INDEX ux_owners_label ON owners (workspace_id, name)
    WHERE user_id IS NULL;

CREATE TABLE clients (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    sort_name TEXT GENERATED ALWAYS AS (lower(name)) STORED NOT NULL,
    parent_id UUID,
    emails TEXT[] NOT NULL,
    phones TEXT[] NOT NULL,
    address TEXT NOT NULL,
    website TEXT NOT NULL,
    owner_id UUID,
    tags TEXT[] NOT NULL,
    custom_fields JSONB NOT NULL,
    notes TEXT NOT NULL,
    external_id TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY(workspace_id, parent_id) REFERENCES clients (workspace_id, id),
    FOREIGN KEY(workspace_id, owner_id) REFERENCES owners (workspace_id, id),
    CONSTRAINT ck_clients_kind CHECK (kind IN ('company', 'person'))
);
CREATE INDEX ix_clients_list ON clients (workspace_id, sort_name, id)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX ux_clients_external_id ON clients (workspace_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE deals (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    name TEXT NOT NULL,
    client_id UUID,
    amount_minor BIGINT,
    currency TEXT,
    stage_id UUID NOT NULL,
    position TEXT COLLATE "C" NOT NULL,
    expected_close_date DATE,
    owner_id UUID,
    source TEXT NOT NULL,
    next_step TEXT NOT NULL,
    next_step_due_date DATE,
    tags TEXT[] NOT NULL,
    custom_fields JSONB NOT NULL,
    external_id TEXT,
    win_probability DOUBLE PRECISION,
    entered_stage_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    lost_reason_id UUID,
    deleted_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY(workspace_id, client_id) REFERENCES clients (workspace_id, id),
    FOREIGN KEY(workspace_id, stage_id) REFERENCES stages (workspace_id, id),
    FOREIGN KEY(workspace_id, owner_id) REFERENCES owners (workspace_id, id),
    FOREIGN KEY(workspace_id, lost_reason_id) REFERENCES lost_reasons (workspace_id, id),
    CONSTRAINT ck_deals_money CHECK ((amount_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX ix_deals_board ON deals (workspace_id, stage_id, position, id)
    WHERE deleted_at IS NULL;
CREATE INDEX ix_deals_client ON deals (workspace_id, client_id)
    WHERE client_id IS NOT NULL;
CREATE INDEX ix_deals_list ON deals (workspace_id, created_at DESC, id DESC)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX ux_deals_external_id ON deals (workspace_id, external_id)
    WHERE external_id IS NOT NULL;

CREATE TABLE deal_history (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    deal_id UUID NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    actor_id UUID,
    happened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changes JSONB NOT NULL,
    from_stage_id UUID,
    to_stage_id UUID,
    days_in_stage DOUBLE PRECISION,
    PRIMARY KEY (workspace_id, deal_id, version),
    FOREIGN KEY(workspace_id, deal_id) REFERENCES deals (workspace_id, id)
);

CREATE TABLE board_totals (
    workspace_id UUID NOT NULL,
    stage_id UUID NOT NULL,
    owner_id UUID NOT NULL,
    currency TEXT NOT NULL,
    deals BIGINT NOT NULL,
    amount_minor BIGINT NOT NULL,
    weighted_minor BIGINT NOT NULL,
    unscored_minor BIGINT NOT NULL,
    compacted BOOLEAN DEFAULT false NOT NULL
);
CREATE INDEX ix_board_totals ON board_totals (workspace_id, owner_id);
CREATE INDEX ix_board_totals_new ON board_totals (workspace_id)
    WHERE NOT compacted;

CREATE TABLE activities (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    client_id UUID,
    deal_id UUID,
    owner_id UUID,
    due_at TIMESTAMP WITH TIME ZONE,
    remind_at TIMESTAMP WITH TIME ZONE,
    done_at TIMESTAMP WITH TIME ZONE,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    deleted_at TIMESTAMP WITH TIME ZONE,
    recorded_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    PRIMARY KEY (workspace_id, id),
    FOREIGN KEY(workspace_id, client_id) REFERENCES clients (workspace_id, id),
    FOREIGN KEY(workspace_id, deal_id) REFERENCES deals (workspace_id, id),
    FOREIGN KEY(workspace_id, owner_id) REFERENCES owners (workspace_id, id),
    CONSTRAINT ck_activities_target CHECK (client_id IS NOT NULL OR deal_id IS NOT NULL)
);
CREATE INDEX ix_activities_client_id ON activities (workspace_id, client_id);
CREATE INDEX ix_activities_deal_id ON activities (workspace_id, deal_id);

CREATE TABLE imports (
    id UUID NOT NULL,
    workspace_id UUID NOT NULL,
    version INTEGER NOT NULL,
    resource TEXT NOT NULL,
    status TEXT NOT NULL,
    file_id UUID NOT NULL,
    file_name TEXT NOT NULL,
    size BIGINT NOT NULL,
    total_rows INTEGER NOT NULL,
    done_rows INTEGER DEFAULT 0 NOT NULL,
    created_rows INTEGER DEFAULT 0 NOT NULL,
    skipped_rows INTEGER DEFAULT 0 NOT NULL,
    failed_rows INTEGER DEFAULT 0 NOT NULL,
    job_id UUID,
    error TEXT DEFAULT '' NOT NULL,
    created_by UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    finished_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (workspace_id, id)
);
CREATE INDEX ix_imports_list ON imports (workspace_id, created_at DESC, id DESC);

CREATE TABLE import_errors (
    workspace_id UUID NOT NULL,
    import_id UUID NOT NULL,
    row INTEGER NOT NULL,
    "column" TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (workspace_id, import_id, row, "column"),
    FOREIGN KEY(workspace_id, import_id) REFERENCES imports (workspace_id, id)
);
"""

# What the roles may do; a person's deletion is an update, the trash is emptied by the system.
GRANTS = {
    "workspaces": ("SELECT, INSERT, UPDATE", "SELECT"),
    "stages": ("SELECT, INSERT, UPDATE", "SELECT"),
    "lost_reasons": ("SELECT, INSERT, UPDATE", "SELECT"),
    "owners": ("SELECT, INSERT, UPDATE", "SELECT"),
    "clients": ("SELECT, INSERT, UPDATE", "SELECT"),
    "deals": ("SELECT, INSERT, UPDATE", "SELECT"),
    "deal_history": ("SELECT, INSERT", "SELECT"),
    "board_totals": ("SELECT, INSERT", "SELECT, INSERT, DELETE"),
    "activities": ("SELECT, INSERT, UPDATE", "SELECT"),
    "imports": ("SELECT, INSERT, UPDATE", "SELECT"),
    "import_errors": ("SELECT, INSERT", "SELECT"),
}


def _append(*signed: str) -> str:
    rows = " UNION ALL ".join(
        f"SELECT *, {sign}1 AS n FROM {table} WHERE deleted_at IS NULL"
        for sign, table in (part.split() for part in signed)
    )
    return f"""
        INSERT INTO board_totals (workspace_id, stage_id, owner_id, currency,
                                  deals, amount_minor, weighted_minor, unscored_minor)
        SELECT workspace_id, stage_id,
               coalesce(owner_id, '00000000-0000-0000-0000-000000000000'), coalesce(currency, ''),
               sum(n), sum(n * amount), sum(n * weighted),
               sum(CASE WHEN win_probability IS NULL THEN n * amount ELSE 0 END)
        FROM (SELECT *, coalesce(amount_minor, 0) AS amount,
                     coalesce(round(amount_minor * win_probability), 0)::bigint AS weighted
              FROM ({rows}) signed) rows
        GROUP BY 1, 2, 3, 4
        HAVING sum(n) <> 0 OR sum(n * amount) <> 0 OR sum(n * weighted) <> 0
            OR sum(CASE WHEN win_probability IS NULL THEN n * amount ELSE 0 END) <> 0;"""


# Appends what a statement on deals changed in the sums of the board: rows before it count as -1,
# rows after it as +1, and what cancels out is not written. Nobody waits for anybody.
TOTALS = f"""
CREATE FUNCTION append_board_totals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN {_append("+ after_rows")}
    ELSIF TG_OP = 'UPDATE' THEN {_append("- before_rows", "+ after_rows")}
    ELSE {_append("- before_rows")}
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER board_totals_of_inserts AFTER INSERT ON deals
    REFERENCING NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_board_totals();
CREATE TRIGGER board_totals_of_updates AFTER UPDATE ON deals
    REFERENCING OLD TABLE AS before_rows NEW TABLE AS after_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_board_totals();
CREATE TRIGGER board_totals_of_deletes AFTER DELETE ON deals
    REFERENCING OLD TABLE AS before_rows
    FOR EACH STATEMENT EXECUTE FUNCTION append_board_totals();
-- It turns over many times a minute and stays small: vacuumed by number of rows, not by share.
ALTER TABLE board_totals SET
    (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
"""


def upgrade() -> None:
    """Make them, with their policies and grants."""
    op.execute(TABLES)
    for table, (app, system) in GRANTS.items():
        tenant_table(op, table)
        grant(op, table, app=app, system=system)
    op.execute(TOTALS)
    kit_tables(op, outbox, inbox, dead_letters, idempotency_keys, files, file_chunks, jobs)
