"""What can start a program at an hour of the night: systemd, cron, and Windows (for WSL), best first."""
