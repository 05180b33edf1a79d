"""Facts as they stood on any day, scores as rows, and what is known of their accuracy."""

from alembic import op

from kit.jobs.table import jobs
from kit.migrations import grant, kit_tables, tenant_table

revision = "0002"
down_revision = "0001"

FACTS = """
ALTER TABLE deals
    ADD COLUMN client_name text NOT NULL DEFAULT '',
    ADD COLUMN owner_name text NOT NULL DEFAULT '',
    ADD COLUMN base_minor bigint,
    ADD COLUMN base_currency text NOT NULL DEFAULT '',
    ADD COLUMN next_step text NOT NULL DEFAULT '',
    ADD COLUMN next_step_due_date date,
    ADD COLUMN lost_reason_id uuid,
    ADD COLUMN lost_reason text NOT NULL DEFAULT '';
CREATE INDEX ix_deals_client ON deals (workspace_id, client_id) WHERE deleted_at IS NULL;

CREATE TABLE deal_states (
    workspace_id uuid NOT NULL,
    deal_id uuid NOT NULL,
    version integer NOT NULL,
    happened_at timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    client_id uuid,
    owner_id uuid,
    amount_minor bigint,
    currency text NOT NULL,
    base_minor bigint,
    base_currency text NOT NULL,
    stage_id uuid NOT NULL,
    stage_type text NOT NULL,
    source text NOT NULL,
    expected_close_date date,
    has_next_step boolean NOT NULL,
    created_at timestamptz NOT NULL,
    entered_stage_at timestamptz NOT NULL,
    closed_at timestamptz,
    deleted boolean NOT NULL,
    PRIMARY KEY (workspace_id, deal_id, version)
);

CREATE TABLE clients (
    workspace_id uuid NOT NULL,
    client_id uuid NOT NULL,
    version integer NOT NULL,
    presence_version integer NOT NULL,
    kind text NOT NULL,
    name text NOT NULL,
    parent_id uuid,
    owner_id uuid,
    created_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, client_id)
);

CREATE TABLE activities (
    workspace_id uuid NOT NULL,
    activity_id uuid NOT NULL,
    version integer NOT NULL,
    presence_version integer NOT NULL,
    kind text NOT NULL,
    client_id uuid,
    deal_id uuid,
    owner_id uuid,
    due_at timestamptz,
    done_at timestamptz,
    created_at timestamptz,
    deleted_at timestamptz,
    PRIMARY KEY (workspace_id, activity_id)
);
CREATE INDEX ix_activities_deal ON activities (workspace_id, deal_id) WHERE deleted_at IS NULL;
CREATE INDEX ix_activities_client ON activities (workspace_id, client_id)
    WHERE deleted_at IS NULL;
"""

SCORES = """
CREATE TABLE editions (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    as_of timestamptz NOT NULL,
    data_version bigint NOT NULL,
    scored_at timestamptz NOT NULL,
    base_rate double precision,
    stage_limits jsonb NOT NULL,
    expected jsonb NOT NULL,
    PRIMARY KEY (workspace_id, edition)
);

CREATE TABLE models (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    kind text NOT NULL,
    version text NOT NULL,
    method text NOT NULL,
    fitted_at timestamptz NOT NULL,
    trained_from date,
    trained_to date,
    n integer NOT NULL,
    evidence text NOT NULL,
    base_rate double precision,
    horizon_days integer,
    backtest jsonb NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (workspace_id, edition, kind)
);

CREATE TABLE deal_scores (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    deal_id uuid NOT NULL,
    deal_version integer NOT NULL,
    owner_id uuid,
    client_id uuid,
    probability double precision NOT NULL,
    lower double precision NOT NULL,
    upper double precision NOT NULL,
    evidence text NOT NULL,
    value_minor bigint,
    expected_minor bigint,
    advice text NOT NULL,
    priority double precision NOT NULL,
    factors jsonb NOT NULL,
    steps jsonb NOT NULL,
    age_days integer NOT NULL,
    days_in_stage integer NOT NULL,
    days_silent integer NOT NULL,
    own_rhythm_days double precision,
    close_moves integer NOT NULL,
    arrivals real[] NOT NULL,
    scored_at timestamptz NOT NULL,
    told_probability double precision,
    peak_probability double precision,
    told_at timestamptz,
    PRIMARY KEY (workspace_id, edition, deal_id)
);
CREATE INDEX ix_deal_scores_priority ON deal_scores
    (workspace_id, edition, priority DESC, deal_id);

CREATE TABLE churn_scores (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    client_id uuid NOT NULL,
    probability double precision,
    level text NOT NULL,
    evidence text NOT NULL,
    horizon_days integer NOT NULL,
    own_rhythm_days double precision,
    days_silent integer,
    last_purchase_on date,
    last_contact_at timestamptz,
    purchases integer NOT NULL,
    won integer NOT NULL,
    lost integer NOT NULL,
    win_rate double precision,
    won_minor bigint NOT NULL,
    at_stake_minor bigint NOT NULL,
    open_minor bigint NOT NULL,
    factors jsonb NOT NULL,
    scored_at timestamptz NOT NULL,
    told_level text,
    told_at timestamptz,
    PRIMARY KEY (workspace_id, edition, client_id)
);
CREATE INDEX ix_churn_scores_risk ON churn_scores
    (workspace_id, edition, probability DESC NULLS LAST, client_id);

CREATE TABLE churn_feedback (
    workspace_id uuid NOT NULL,
    client_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('snoozed', 'not_at_risk')),
    until date,
    given_by uuid,
    given_at timestamptz NOT NULL,
    purchases integer NOT NULL,
    PRIMARY KEY (workspace_id, client_id)
);

CREATE TABLE forecasts (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    metric text NOT NULL CHECK (metric IN ('won_value', 'pipeline_value', 'deals_won')),
    owner_id uuid NOT NULL,
    first_month date NOT NULL,
    so_far bigint NOT NULL,
    history jsonb NOT NULL,
    path jsonb NOT NULL,
    method text NOT NULL,
    n_used integer NOT NULL,
    evidence text NOT NULL,
    confidence double precision NOT NULL,
    backtest jsonb NOT NULL,
    factors jsonb NOT NULL,
    lines jsonb NOT NULL,
    version text NOT NULL,
    computed_at timestamptz NOT NULL,
    told_minor bigint,
    told_at timestamptz,
    PRIMARY KEY (workspace_id, edition, metric, owner_id)
);

CREATE TABLE projections (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    owner_id uuid NOT NULL,
    days integer NOT NULL,
    mean_minor bigint NOT NULL,
    lower jsonb NOT NULL,
    upper jsonb NOT NULL,
    run_rate_minor bigint NOT NULL,
    pipeline_minor bigint NOT NULL,
    inflow_minor bigint NOT NULL,
    method text NOT NULL,
    n_used integer NOT NULL,
    evidence text NOT NULL,
    backtest jsonb NOT NULL,
    factors jsonb NOT NULL,
    version text NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, edition, owner_id, days)
);

CREATE TABLE velocities (
    workspace_id uuid NOT NULL,
    edition text NOT NULL,
    owner_id uuid NOT NULL,
    days integer NOT NULL,
    deals integer NOT NULL,
    stalled integer NOT NULL,
    closed integer NOT NULL,
    mean_value_minor double precision,
    win_rate double precision,
    cycle_days double precision,
    per_day_minor double precision,
    before_per_day_minor double precision,
    trend double precision,
    words text NOT NULL,
    definitions jsonb NOT NULL,
    computed_at timestamptz NOT NULL,
    PRIMARY KEY (workspace_id, edition, owner_id, days)
);
"""

ACCURACY = """
CREATE TABLE said_odds (
    workspace_id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('win', 'churn')),
    source text NOT NULL CHECK (source IN ('published', 'backtest')),
    subject_id uuid NOT NULL,
    said_at timestamptz NOT NULL,
    probability double precision NOT NULL,
    lower double precision,
    upper double precision,
    base_rate double precision NOT NULL,
    evidence text NOT NULL,
    version text NOT NULL,
    due_at timestamptz,
    outcome boolean,
    judged_at timestamptz,
    PRIMARY KEY (workspace_id, kind, source, subject_id, said_at)
);
CREATE INDEX ix_said_odds_open ON said_odds (workspace_id, kind) WHERE outcome IS NULL;

CREATE TABLE said_forecasts (
    workspace_id uuid NOT NULL,
    metric text NOT NULL,
    source text NOT NULL CHECK (source IN ('published', 'backtest')),
    origin date NOT NULL,
    month date NOT NULL,
    said_at timestamptz NOT NULL,
    mean double precision NOT NULL,
    lower80 double precision NOT NULL,
    upper80 double precision NOT NULL,
    method text NOT NULL,
    actual double precision,
    judged_at timestamptz,
    PRIMARY KEY (workspace_id, metric, source, origin, month)
);

CREATE TABLE accuracies (
    workspace_id uuid NOT NULL,
    subject text NOT NULL,
    source text NOT NULL CHECK (source IN ('published', 'backtest')),
    measured_at timestamptz NOT NULL,
    n integer NOT NULL,
    first_on date,
    last_on date,
    brier double precision,
    base_brier double precision,
    calibration_error double precision,
    bins jsonb NOT NULL,
    coverage80 double precision,
    mean_error double precision,
    wape double precision,
    bias double precision,
    by_month jsonb NOT NULL,
    words text NOT NULL,
    PRIMARY KEY (workspace_id, subject, source)
);
"""

WORK = """
CREATE TABLE rescoring (
    workspace_id uuid NOT NULL,
    dirty_since timestamptz,
    due_at timestamptz,
    refit_due_at timestamptz,
    job_id uuid,
    runs bigint NOT NULL DEFAULT 0,
    scored_version bigint NOT NULL DEFAULT 0,
    fitted_on date,
    backtested_on date,
    PRIMARY KEY (workspace_id)
);
CREATE INDEX ix_rescoring_due ON rescoring (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX ix_rescoring_refit ON rescoring (refit_due_at) WHERE refit_due_at IS NOT NULL;

CREATE TABLE answers (
    workspace_id uuid NOT NULL,
    question text NOT NULL,
    args jsonb NOT NULL,
    data_version bigint NOT NULL,
    asked_at timestamptz NOT NULL,
    job_id uuid NOT NULL,
    computed_at timestamptz,
    answer jsonb,
    error text,
    PRIMARY KEY (workspace_id, question)
);
"""

_FACTS = ("deal_states", "clients", "activities")
_SCORES = (
    "editions",
    "models",
    "deal_scores",
    "churn_scores",
    "churn_feedback",
    "forecasts",
    "projections",
    "velocities",
    "answers",
)
_ACCURACY = ("said_odds", "said_forecasts", "accuracies")


def upgrade() -> None:
    kit_tables(op, jobs)
    for part in (FACTS, SCORES, ACCURACY, WORK):
        op.execute(part)
    for table in _FACTS:
        tenant_table(op, table)
        grant(op, table, app="SELECT, INSERT, UPDATE, DELETE")
    # What is purged for good is forgotten here as well.
    for table in ("deals", "stage_entries", "close_date_changes"):
        grant(op, table, app="DELETE")
    for table in (*_SCORES, *_ACCURACY):
        tenant_table(op, table)
        grant(op, table, app="SELECT, INSERT, UPDATE, DELETE")
    tenant_table(op, "rescoring")
    # The scheduler looks for work over all workspaces.
    grant(op, "rescoring", app="SELECT, INSERT, UPDATE", system="SELECT, UPDATE")
