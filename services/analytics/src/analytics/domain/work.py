"""What a worker can be asked for. Nothing else is here: a worker at rest loads nothing else."""

RESCORE = "rescore"
REPLAY = "replay"
ANSWER = "answer"
REPORT = "report"
