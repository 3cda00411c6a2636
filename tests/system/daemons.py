"""What tests of daemons as processes share."""
import socket, subprocess, sys

KEY = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def require(holds, what):
    """Ends the test that was started with what did not hold."""
    if not holds:
        sys.exit(f"{sys.argv[0]}: {what}")


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    require(done.returncode == 0, f"{command}: {done.stdout}{done.stderr}")
    return done
