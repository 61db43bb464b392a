"""Forked children, the three ways of multiprocessing, and servers that fork their workers."""

from __future__ import annotations

import multiprocessing
import os

import pytest

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


@forks
def test_children_of_a_process_that_has_run(program):
    """And theirs, and the parent afterwards."""
    program("""
assert right()
def fork(depth):
    pid = os.fork()
    if pid == 0:
        good = all(right() for _ in range(20)) and (depth == 0 or fork(depth - 1))
        os._exit(0 if good else 1)
    return os.waitpid(pid, 0)[1] == 0
assert fork(2)
assert fork(0)
assert right()
""")


@forks
def test_a_child_forked_while_other_threads_run(program):
    """Locks and helpers may be held at that moment by threads that the child does not have."""
    program("""
stop = []
def work():
    while not stop:
        assert right()
threads = [threading.Thread(target=work) for _ in range(2)]
for t in threads: t.start()
pids = []
for _ in range(10):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if right() and right(make()) else 1)
    pids.append(pid)
codes = [os.waitpid(pid, 0)[1] for pid in pids]
stop.append(1)
for t in threads: t.join()
assert codes == [0] * 10, codes
""")


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_a_pool_of_processes(program, method):
    program(f"""
import multiprocessing
def work(n):
    edgenet.set_num_threads(2)
    return right()
if __name__ == "__main__":
    assert right()
    with multiprocessing.get_context("{method}").Pool(2) as pool:
        assert all(pool.map(work, range(20)))
""", timeout=240)  # fmt: skip


SERVER = """
import http.client, socket, signal
from http.server import BaseHTTPRequestHandler, HTTPServer
from socketserver import ThreadingMixIn
model.export("served.onnx")
session = edgenet.InferenceSession("served.onnx", threads=2)
name = session.get_inputs()[0].name
want = session.run(None, {name: x})[0].tobytes()          # the parent has run: its helpers exist

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        data = np.frombuffer(self.rfile.read(int(self.headers["Content-Length"])), np.float32).reshape(x.shape)
        body = session.run(None, {name: data})[0].tobytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Worker", str(os.getpid()))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass

class Server(ThreadingMixIn, HTTPServer):
    daemon_threads = True

server = Server(("127.0.0.1", 0), Handler)                # bound before the fork, accepted from by every worker
workers = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        server.serve_forever()
    workers.append(pid)

answers, served = [], set()
def ask():
    for _ in range(20):
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=60)
        connection.request("POST", "/", x.tobytes())
        response = connection.getresponse()
        answers.append(response.read() == want)
        served.add(int(response.headers["Worker"]))
clients = [threading.Thread(target=ask) for _ in range(4)]
try:
    for t in clients: t.start()
    for t in clients: t.join()
finally:
    for pid in workers: os.kill(pid, signal.SIGKILL)
assert answers == [True] * 80, answers
assert served <= set(workers), served
assert session.run(None, {name: x})[0].tobytes() == want  # and the parent still answers
"""


@forks
def test_a_server_that_forks_its_workers(program, tmp_path, monkeypatch):
    """The pattern of gunicorn and uwsgi: load once, fork, each worker serves requests in threads of its own."""
    pytest.importorskip("onnx")
    monkeypatch.chdir(tmp_path)
    program(SERVER)
