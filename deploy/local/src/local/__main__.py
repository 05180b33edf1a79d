"""`python -m local …`: the platform on this machine."""

import argparse
import asyncio
import sys
from pathlib import Path

from local import commands, state
from local.plan import BadSetting, Plan, plan_from_environment


def main() -> int:
    """Run one command; every foreseen failure is one clear line and exit code 1."""
    options = _parser().parse_args()
    try:
        return _run(options, plan_from_environment())
    except (commands.CannotDo, BadSetting, state.Damaged) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    except OSError as problem:  # no room, no right, no such folder: nothing of ours is wrong
        sys.stderr.write(f"{problem.filename or 'this machine'}: {problem.strerror or problem}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _run(options: argparse.Namespace, plan: Plan) -> int:
    match options.command:
        case "up":
            commands.up(plan, _say)
        case "down":
            commands.down(plan, _say)
        case "status":
            return 0 if commands.status(commands.as_running(plan), _say) else 1
        case "logs":
            commands.show_logs(plan, options.unit, follow=sys.stdout.isatty(), say=_say)
        case "reset":
            commands.reset(plan, _say, sure=options.yes)
        case "backup":
            _backup(commands.as_running(plan), options.to)
        case "restore":
            _restore(plan, options.source, sure=options.yes)
        case "supervise":
            return _supervise(plan)
        case "provision":
            return _provision(plan)
        case "migrate":
            commands.migrate(commands.as_running(plan), _say)
        case "rebuild":
            commands.rebuild(commands.as_running(plan), options.workspace, _say)
        case "delete-accounts":
            commands.delete_accounts(commands.as_running(plan), options.ids, _say)
        case "monitoring":
            from local import monitoring

            monitoring.watch(commands.as_running(plan), _say)
        case "seed":
            return _seed(plan)
    return 0


def _backup(plan: Plan, to: Path | None) -> None:
    from local.backup import backup

    backup(plan, to, _say)


def _restore(plan: Plan, source: Path, *, sure: bool) -> None:
    from local.restore import restore

    restore(plan, source, _say, sure=sure)


def _supervise(plan: Plan) -> int:
    from local.graph import units
    from local.supervisor import Supervisor, supervise

    with state.holding(plan.home, state.SUPERVISOR) as free:
        if not free:
            raise commands.CannotDo("FreelanceFlow is running already")
        state.stop_leftovers(plan.home)
        commands.refuse_taken_ports(plan)

        async def run() -> bool:
            return await supervise(Supervisor(units(plan), plan.home, plan.facts))

        return 0 if asyncio.run(run()) else 1


def _provision(plan: Plan) -> int:
    from kit.provision import ROLES, provision
    from local.environment import WITH_DATABASE

    async def every_service() -> None:
        for service in WITH_DATABASE:
            passwords = {role: plan.secret(f"{service}-{role}") for role in ROLES}
            await provision(plan.admin_url, service, passwords)

    asyncio.run(every_service())
    return 0


def _seed(plan: Plan) -> int:
    from local.demo import seed

    asyncio.run(seed(plan))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands_ = parser.add_subparsers(dest="command", required=True)
    commands_.add_parser("up", help="start the platform and wait until it is ready")
    commands_.add_parser("down", help="stop it; the data stay")
    commands_.add_parser("status", help="what runs")
    log = commands_.add_parser("logs", help="read the logs; a terminal follows them")
    log.add_argument("unit", nargs="?", help="of one unit only")
    forget = commands_.add_parser("reset", help="delete all local data")
    forget.add_argument("--yes", action="store_true", help="do not ask")
    keep = commands_.add_parser("backup", help="copy databases and keys into a new folder")
    keep.add_argument("to", nargs="?", type=_path, help="the folder; one with the time without it")
    back = commands_.add_parser("restore", help="replace all data by those of a backup")
    back.add_argument("source", type=_path, help="the folder that `backup` made")
    back.add_argument("--yes", action="store_true", help="do not ask")
    commands_.add_parser("supervise", help="run in the foreground")
    commands_.add_parser("provision", help="make databases and roles (called by the supervisor)")
    commands_.add_parser("migrate", help="bring the running databases to the newest schema")
    anew = commands_.add_parser("rebuild", help="build analytics' facts anew from crm's log")
    anew.add_argument("workspace", nargs="*", help="ids of workspaces; all of them without any")
    gone = commands_.add_parser(
        "delete-accounts", help="delete accounts that a backup brought back"
    )
    gone.add_argument("ids", type=_path, help="a file with the ids of people, one a line")
    commands_.add_parser("monitoring", help="Prometheus beside the running platform")
    commands_.add_parser("seed", help="fill the demo workspace (called by the supervisor)")
    return parser


def _path(text: str) -> Path:
    return Path(text).expanduser().resolve()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
