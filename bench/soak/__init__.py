"""The platform under a mixed load for as long as one likes, while its processes are killed."""
