"""What is written wrongly is told at collection, by name, with what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pytest_celery_perf
from pytest_celery_perf.options import OPTIONS
from pytest_celery_perf.values import check_variables

from .inner import Inner, Project

WRONG = {
    "celery_queries(3)": ("3 has no name", "task, max, exact, using, no_n_plus_one, verbs, slowest, connects, warmup"),
    "celery_queries(maximum=3)": ("there is no maximum=; valid are task, max, exact",),
    "celery_queries()": ("nothing to judge: give max=, exact=, using=, verbs=, slowest=, connects= or no_n_plus_one",),
    "celery_queries(connects=-1)": ("connects=-1 is not a whole number from 0",),
    "celery_queries(max=True)": ("max=True is not a whole number from 0",),
    "celery_queries(max=1, warmup=-1)": ("warmup=-1 is not a whole number from 0",),
    "celery_queries(using=['default'])": ("using=['default'] is not a dict",),
    "celery_queries(using={'default': 'few'})": ("using['default']='few' is not a whole number",),
    "celery_queries(verbs={'SELCT': 1})": ("'SELCT' is not one of SELECT, INSERT",),
    "celery_queries(no_n_plus_one='yes')": ("no_n_plus_one='yes' is not True or False",),
    "celery_queries(max=1, exact=2)": ("max=1 is below exact=2, so that no figure suits both: give one of them",),
    "celery_latency(p95='fast')": ("p95='fast': expected seconds as a number", '"250ms"'),
    "celery_latency(p95=-1)": ("p95=-1: expected seconds",),
    "celery_latency(p90=1)": ("there is no p90=; valid are task, phase, p50, p95, p99, max",),
    "celery_latency()": ("nothing to judge: give p50=, p95=, p99= or max=",),
    "celery_latency(phase='cpu', max=1)": ("phase='cpu' is not one of runtime, queue, prefetch, end_to_end",),
    "celery_latency(task=print, max=1)": ("is neither a task nor the name of one",),
    "celery_memory()": ("nothing to judge: give peak=, added= or growth=",),
    "celery_memory(growth='some')": ("growth='some': expected bytes as a number",),
    "celery_memory(growth=1, peak=1)": ("growth=1 is of all executions together, the others of each",),
    "celery_memory(peak='much')": ("peak='much': expected bytes as a number", '"64MiB"'),
    "celery_memory(added=1, warmup='one')": ("warmup='one' is not a whole number from 0",),
    "celery_cpu()": ("nothing to judge: give p50=, p95=, p99=, max=, share= or calls=",),
    "celery_cpu(max='soon')": ("max='soon': expected seconds",),
    "celery_cpu(share=120)": ("share=120: expected a number from 0 to 1", 'or, of several cores, "150%"'),
    "celery_cpu(calls=1.5)": ("calls=1.5 is not a whole number from 0",),
    "celery_cpu(calls=10, p95=1)": ("calls= slows the task down, p95= is about time: write two tests",),
    "celery_cpu(max=1, warmup=1)": ("warmup=1 is of calls=; percentiles are of all executions",),
    "celery_throughput()": ("nothing to judge: give min=, drain= or concurrency=",),
    "celery_throughput(min='100 a day')": ("min='100 a day': expected times in a second as a number", '"3000/min"'),
    "celery_throughput(min='0/s')": ("min='0/s' demands nothing: give more than zero",),
    "celery_throughput(concurrency=0)": ("concurrency=0 is not a whole number from 1",),
    "celery_share()": ("within= is missing", 'within="10s"'),
    "celery_share(within='1s', min=95)": ('min=95: expected a number from 0 to 1, or a text such as "95%"',),
    "celery_share(within='1s', min=0)": ("min=0 demands nothing: give more than zero",),
    "celery_cache(hit_ratio=0)": ("hit_ratio=0 demands nothing: give more than zero",),
    "celery_isolation(flood='a')": ("victim= is missing: a task, its name, or the name of a queue",),
    "celery_isolation(flood='a', victim='a')": ("flood='a' is the victim too",),
    "celery_isolation(flood='a', victim='b', factor=0.5)": ("factor=0.5 is not a finite number from 1",),
    "celery_isolation(flood='a', victim='b', factor=float('inf'))": ("factor=inf is not a finite number from 1",),
    "celery_isolation(flood='a', victim='b', factor=float('nan'))": ("factor=nan is not a finite number from 1",),
    "celery_isolation(flood='a', victim='b', behind=-1)": ("behind=-1 is not a whole number from 0",),
    "celery_retries()": ("nothing to judge: give attempts=",),
    "celery_retries(attempts='3')": ("attempts='3' is not a whole number from 1",),
    "celery_retries(countdowns=5)": ("countdowns=5 is not a list of durations",),
    "celery_retries(countdowns=['later'])": ("countdowns='later': expected seconds",),
    "celery_retries(attempts=2, countdowns=[1, 2, 3])": (
        "countdowns=[1, 2, 3] are those of 4 attempts, as the first has none, and not of attempts=2: give one of",
    ),
    "celery_retries(backoff='linear')": ("backoff='linear' is not one of exponential, fixed",),
    "celery_retries(jitter='no')": ("jitter='no' is not True or False",),
    "celery_retries(final='done')": ("final='done' is not one of succeeded, failed",),
    "celery_recovery(at='lunch')": ("at='lunch' is not", '"query:N" with N from 1'),
    "celery_recovery(at='query:0')": ("at='query:0' is not",),
    "celery_recovery(kill='child', at='received')": ("no child process holds the task yet", 'kill="worker"'),
    "celery_recovery(kill='laptop')": ("kill='laptop' is not one of child, worker, broker",),
    "celery_recovery(signal='SIGFOO')": ("signal='SIGFOO' is not a signal such as SIGKILL",),
    "celery_recovery(signal='SIGSTOP')": (
        "signal='SIGSTOP' does not end a worker: it only stops it, as celery_fault(kind=\"freeze\"); valid are those",
        "such as SIGKILL, SIGTERM (warm shutdown), SIGQUIT (cold shutdown)",
    ),
    "celery_recovery(kill='child', signal='SIGUSR1')": (
        "signal='SIGUSR1' does not end a child: a worker prints its stacks, and a child takes it for",
        "such as SIGKILL, SIGTERM, SIGSEGV",
    ),
    **{
        f"celery_recovery(signal='{name}')": (f"signal='{name}' does not end a worker: ",)
        for name in ("SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGCONT", "SIGCHLD", "SIGURG", "SIGWINCH", "SIGPIPE", "SIGXFSZ")
    },
    "celery_recovery(signal=17)": ("signal=17 does not end a worker: nothing comes of it",),
    "celery_recovery(kill='broker', signal='SIGTERM')": (
        "signal='SIGTERM' with kill=\"broker\": that is killed by SIGKILL, and by nothing else",
    ),
    "celery_recovery(times=0)": ("times=0 is not a whole number from 1",),
    "celery_recovery(signal='SIGHUP')": (
        "signal='SIGHUP' does not end a worker: it starts itself anew in the same process; valid are those that end",
    ),
    "celery_recovery(within=0)": ("within=0 is over before anything can happen: give more than zero",),
    "celery_reliable(within='0s')": ("within='0s' is over before anything can happen: give more than zero",),
    "celery_fault(kind='freeze', lasting=0)": ("lasting=0 is over before anything can happen: give more than zero",),
    "celery_recovery(within='soon')": ("within='soon': expected seconds",),
    "celery_reliable(max_executions=0)": ("max_executions=0 is not a whole number from 1",),
    "celery_reliable(overlap='no')": ("overlap='no' is not True or False",),
    "celery_reliable(within='soon')": ("within='soon': expected seconds",),
    "celery_reliable(declared_failures=ValueError)": ("is not a list of exceptions or their names",),
    "celery_reliable(declared_failures=[3])": ("declared_failures: 3 is neither an exception nor the name of one",),
    "celery_crash_sweep(kill='broker')": ("kill='broker' is not one of child, worker",),
    "celery_crash_sweep(points=['lunch'])": ("points='lunch' is not one of started, query, commit",),
    "celery_crash_sweep(points=['acknowledgment'])": ("points='acknowledgment' is not one of started, query",),
    "celery_crash_sweep(points=[])": ("points=[] leaves nothing to try",),
    "celery_crash_sweep(points='query')": ("points='query' is not a list of kinds of points",),
    "celery_crash_sweep(sample=0)": ("sample=0 is not a whole number from 1",),
    "celery_crash_sweep(budget='long')": ("budget='long': expected seconds",),
    "celery_crash_sweep(budget=0)": ("budget=0 leaves no time: give more than zero",),
    "celery_crash_sweep(seed=3)": ("seed=3 is that of a drawing: say how many points are drawn, as in sample=10",),
    "celery_crash_sweep(invariant=3)": ("invariant=3 cannot be called: give a function",),
    "celery_crash_sweep(invariant=lambda job: True)": ("invariant= takes 'job', which is none of the test's fixtures",),
    "celery_crash_sweep(volatile='a.b')": ("volatile='a.b' is not a list of columns",),
    "celery_crash_sweep(volatile=['a.b'])": ("volatile= names columns of Django's tables, and Django is not",),
    "celery_fault_sweep(errors=[OSError])": ("is not a dict from the kind of a point to an exception",),
    "celery_fault_sweep(errors={'query': 3})": ("errors['query']=3 is no exception of a library",),
    "celery_fault_sweep(errors={'query': BaseException})": ("is no exception of a library: give a subclass of Exc",),
    "celery_fault_sweep(errors={'query': UnicodeDecodeError})": (
        "errors['query']=UnicodeDecodeError cannot be made of a text (",
        "): give an instance of it",
    ),
    "celery_fault_sweep(errors={'query': ValueError(lambda: 0)})": (
        "does not reach a worker as it is, since it cannot be pickled (",
        "): give its class, or one that can be",
    ),
    "celery_fault_sweep(errors={'started': OSError})": ("errors: key='started' is not one of query, commit, cache",),
    "celery_fault()": ("kind='' is not one of kill_child, kill_worker, terminate",),
    "celery_fault(kind='recycle')": ('kind="recycle": no worker has --max-memory-per-child',),
    "celery_fault(kind='out_of_memory')": ('kind="out_of_memory": no worker has a limit of its memory',),
    "celery_fault(kind='soft_shutdown')": ("worker_soft_shutdown_timeout is 0, which makes it a cold one",),
    "celery_fault(kind='time_limit', task='office.add')": ("office.add has no time_limit, so that nothing ends it",),
    "celery_fault(kind='kill_child', at='received')": ("no process runs the task yet",),
    "celery_fault(kind='freeze', at='lunch')": ("at='lunch' is not",),
    "celery_fault(kind='quit', lasting=1)": ("it is over at once; freeze, kill_broker, pause_broker, latency,",),
    "celery_fault(kind='cut')": ('kind="cut": no worker reaches the broker by a network on which faults can be',),
    "celery_fault(kind='freeze', keep_data=False)": ('it is for kind="kill_broker"',),
    "celery_routing()": ("nothing to judge: give queue=, priority= or order=",),
    "celery_routing(priority=11)": ("priority=11 is not a whole number from 0 to 9, as Redis has them",),
    "celery_routing(order='ab')": ("order='ab' is not a list of tasks or their names",),
    "celery_routing(order=['ab'])": ("an order needs at least two tasks",),
    "celery_routing(queue=5)": ("queue=5 is not a text",),
    "celery_cache()": ("nothing to judge: give hit_ratio=, max_misses= or ttl_required=True",),
    "celery_cache(hit_ratio=60)": ("hit_ratio=60: expected a number from 0 to 1, or a text such as",),
    "celery_cache(max_misses=-1)": ("max_misses=-1 is not a whole number from 0",),
    "celery_cache(ttl_required='yes')": ("ttl_required='yes' is not True or False",),
    "celery_cache(hit_ratio=0.5, ttl_required='no')": ("ttl_required='no' is not True or False",),
    "celery_cache(alias=1, max_misses=1)": ("alias=1 is not a text",),
    "celery_cache(alias='', max_misses=1)": ("alias='' is no cache: give its name in CACHES",),
    "celery_logs()": ("nothing to judge: give max=, levels= or repeated=",),
    "celery_logs(levels={'LOUD': 1})": ("levels: key='LOUD' is not one of CRITICAL, FATAL, ERROR",),
    "celery_logs(levels={'NOTSET': 0})": ("levels: key='NOTSET' is not one of CRITICAL, FATAL, ERROR",),
    "celery_logs(levels=['ERROR'])": ("levels=['ERROR'] is not a dict",),
    "celery_logs(repeated=0)": ("repeated=0 is not a whole number from 1",),
    "celery_outbound()": ("nothing to judge: give max=, exact= or hosts=",),
    "celery_outbound(hosts='api.example.com')": ("hosts='api.example.com' is not a list of host names",),
    "celery_outbound(hosts=['https://api.example.com/'])": (
        "hosts: 'https://api.example.com/' is no host, such as",
        '"api.example.com:443"',
    ),
    "celery_outbound(hosts=[''])": ("hosts: '' is no host",),
    "celery_outbound(max=3, exact=2)": ("max=3 beside exact=2, which says more: give one of them",),
    "celery_outbound(exact=0.5)": ("exact=0.5 is not a whole number from 0",),
    "celery_regression(metrics='runtime')": (
        "metrics='runtime' is not a list of metrics: runtime, cpu, memory, drain",
    ),
    "celery_regression(metrics=['speed'])": ("metrics='speed' is not one of runtime, cpu, memory, drain, queue, end",),
    "celery_regression(tolerance='some')": ("tolerance='some': expected a number from 0 to 1, or a text such as",),
    "celery_regression(tolerance=5)": ('tolerance=5: expected a number from 0 to 1, or a text such as "95%"',),
    "celery_regression(tolerance='20%')": ("noticeable='20%' is not above tolerance='20%'",),
    "celery_regression(noticeable=0.01)": ("noticeable=0.01 is not above tolerance='5%'",),
    "celery_regression(task=print)": ("is neither a task nor the name of one",),
    "celery_worker(name='a b')": ("name='a b' is not made of letters, digits",),
    "celery_worker(queues=5)": ("queues=5 is not a list of names of queues",),
    "celery_worker(queues='')": (
        "queues='' has no name, or an empty one: give some, such as \"a,b\", or leave it out",
    ),
    "celery_worker(queues=[])": ("queues=[] has no name, or an empty one",),
    "celery_worker(queues='a,,b')": ("queues='a,,b' has no name, or an empty one",),
    "celery_worker(queues=[5])": ("queues: name=5 is not a text",),
    "celery_worker(options='-Q a,,b')": ("options: '-Q a,,b': a queue has no name; write such as '-Q a,b'",),
    "celery_worker(options='--help')": ("options: '--help': No such option",),
    "celery_worker(runtime='container', image='x', cpus=-1)": ("cpus=-1 is not a finite number above 0, such as 0.5",),
    "celery_worker(runtime='container', image='x', cpus='two')": ("cpus='two' is not a finite number above 0",),
    "celery_worker(runtime='container', dockerfile='Nofile')": ("dockerfile='Nofile': there is no /", "/Nofile"),
    "celery_routing(order=['a', 'b', 'a'])": ("order: 'a' is there twice, and nothing starts before itself",),
    "celery_routing(order=['a', None])": ("order=['a', None]: None is no task",),
    "celery_routing(queue='')": ("queue='' is no name of a queue",),
    "celery_latency(task='', max=1)": ("'' is no name of a task; leave it out where any is meant",),
    "celery_worker(pool='fibers')": ("'fibers' is not one of 'prefork'",),
    "celery_worker(concurrency=0)": ("concurrency=0 is not a whole number from 1",),
    "celery_worker(options='--concurency 3')": ("No such option '--concurency'. Did you mean '--concurrency'?",),
    "celery_worker(options='-c \"2')": ("No closing quotation",),
    "celery_worker(config={'a': print})": ("config['a']=<built-in function print> cannot be told to a worker",),
    "celery_worker(config={'task_time_limitt': 1})": (
        "config['task_time_limitt']=1: Celery has no setting 'task_time_limitt', nor has the app's configuration; did",
        "you mean 'task_time_limit'?",
    ),
    "celery_worker(config={'CELERYD_PREFETCH_MULTIPLYER': 1})": ("did you mean 'CELERYD_PREFETCH_MULTIPLIER'?",),
    "celery_worker(config={'worker_pool': 'solo'})": (
        "config['worker_pool']='solo' comes too late for the worker: say pool=",
    ),
    "celery_worker(env={'A': 1})": ("env['A']=1 is not a text",),
    "celery_worker(network='io')": ("network='io' is not True, False or \"bridge\"",),
    "celery_worker(network='bridge')": ("network='bridge' needs runtime=\"container\"",),
    "celery_worker(runtime='vm')": ("runtime='vm' is not one of process, container",),
    "celery_worker(runtime='container')": ("needs image= or dockerfile=",),
    "celery_worker(memory='1GB')": ("memory='1GB' needs runtime=\"container\"",),
    "celery_worker(start='hot')": ("start='hot' is not one of auto, warm, cold",),
}
GOOD = """
import pytest
from office import add

@pytest.mark.celery_latency(max="1min")
@pytest.mark.parametrize("n", [1, 2, 3])
def test_add(n):
    add.delay(n, n)
"""
CHILD = """
import pytest
from office import safe

@pytest.mark.celery_recovery(kill="child")
def test_child():
    safe.delay()
"""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    """Collect a file with every wrong marker on a test of its own."""
    project = Project.copy("plain", tmp_path_factory.mktemp("misuse") / "plain")
    tests = (f"@pytest.mark.{marker}\ndef test_{number}(): pass\n" for number, marker in enumerate(WRONG))
    project.write("test_wrong.py", "import pytest\n" + "".join(tests))
    return project.run()


@pytest.mark.parametrize("number", range(len(WRONG)), ids=list(WRONG))
def test_a_marker_that_is_wrong(wrong: Inner, number: int) -> None:
    marker, words = list(WRONG.items())[number]
    told = [line for line in wrong.text.splitlines() if line.startswith(f"test_wrong.py::test_{number}:")]
    assert len(told) == 1, wrong.text
    assert told[0].startswith(f"test_wrong.py::test_{number}: @pytest.mark.{marker.partition('(')[0]}")
    assert [each for each in words if each not in told[0]] == []


def test_times_beside_a_count_of_calls(plain: Project) -> None:
    timed = (
        "latency(max=1)",
        "cpu(max=1)",
        "throughput(min=1)",
        "share(within=1)",
        "scaling(metric='cpu', max_order=1)",
    )
    tests = (
        f"@pytest.mark.celery_cpu(calls=9)\n@pytest.mark.celery_{marker}\ndef test_{number}(celery_size): pass\n"
        for number, marker in enumerate(timed)
    )
    plain.write("test_wrong.py", "import pytest\n" + "".join(tests))
    told = plain.run().text
    for number, marker in enumerate(timed):
        words = f"to count calls slows the task down, @pytest.mark.celery_{marker.partition('(')[0]} is about time"
        assert f"test_wrong.py::test_{number}: @pytest.mark.celery_cpu: {words}: write two tests" in told, told


COINCIDE = {
    "kind='freeze'": ("kind='freeze', lasting=1", "kind='freeze' would strike any task twice at='started'"),
    "kind='quit', task='a'": ("kind='terminate'", "kind='terminate' and kind='quit' would strike a twice at='started'"),
}
APART = {
    "kind='freeze', task='a'": "kind='freeze', task='b'",
    "kind='freeze'": "kind='freeze', at='finished'",
    "kind='kill_worker'": "kind='quit'",
}


def test_faults_that_would_be_taken_for_each_other(plain: Project) -> None:
    pairs = [*((one, other) for one, (other, _) in COINCIDE.items()), *APART.items()]
    tests = (
        f"@pytest.mark.celery_fault({other})\n@pytest.mark.celery_fault({one})\ndef test_{number}(): pass\n"
        for number, (one, other) in enumerate(pairs)
    )
    plain.write("test_wrong.py", "import pytest\n" + "".join(tests))
    told = [line for line in plain.run().text.splitlines() if line.startswith("test_wrong.py::")]
    assert [line.partition(" or ")[0] for line in told] == [
        f"test_wrong.py::test_{number}: @pytest.mark.celery_fault: {words}, and be taken for each other: use one of "
        "them with times=,"
        for number, (_, words) in enumerate(COINCIDE.values())
    ]


def test_counts_of_calls_and_of_queries_go_together(plain: Project) -> None:
    marks = "@pytest.mark.celery_cpu(calls=9)\n@pytest.mark.celery_cpu(calls=8)\n@pytest.mark.celery_logs(max=9)\n"
    plain.write("test_right.py", f"import pytest\n{marks}def test_a(): pass\n")
    assert "write two tests" not in plain.run("--collect-only").text


def test_nothing_runs_where_a_marker_is_wrong(wrong: Inner) -> None:
    assert wrong.status == pytest.ExitCode.INTERRUPTED
    assert "passed" not in wrong.text


MISTAKES = {
    "no app": ({"celery_perf_app": ""}, "celery_perf_app is not set: name your Celery app as `celery -A` takes it"),
    "no such module": ({"celery_perf_app": "nowhere:app"}, "celery_perf_app='nowhere:app' cannot be loaded"),
    "no such app": (
        {"celery_perf_app": "office:nothing"},
        "cannot be loaded: the module office has no 'nothing'; its Celery apps: office:app",
    ),
    "another thing": (
        {"celery_perf_app": "office:add"},
        "'office:add' is no Celery app, but <@task: office.add of office",
    ),
    "broken app": ({"celery_perf_app": "broken:app"}, "cannot be loaded: ZeroDivisionError: division by zero ("),
    "no name": ({"celery_perf_workers": "-c 2"}, 'expected "name: options of celery worker", such as'),
    "no such option": ({"celery_perf_workers": "main: --concurency 2"}, "worker 'main': '--concurency 2': No such"),
    "help": ({"celery_perf_workers": "main: --help"}, "celery_perf_workers: worker 'main': '--help': No such option"),
    "no queue": ({"celery_perf_workers": "main: -Q a,,b"}, "worker 'main': '-Q a,,b': a queue has no name"),
    "same name": ({"celery_perf_workers": "a: -c 1\n  a: -c 2"}, "celery_perf_workers: several workers of one name"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_an_ini_file_that_is_wrong(plain: Project, mistake: str) -> None:
    settings, words = MISTAKES[mistake]
    _set(plain, settings)
    inner = plain.run()
    assert inner.text.count(words) == 1, inner.text
    assert "test_good.py::test_add[1] and 2 more: " in inner.text
    assert "INTERNALERROR" not in inner.text


def test_an_ini_file_that_is_wrong_is_told_by_xdist_too(plain: Project) -> None:
    settings, words = MISTAKES["no app"]
    _set(plain, settings)
    inner = plain.run("-n", "2")
    assert words in inner.text
    assert "INTERNALERROR" not in inner.text


def test_a_marker_that_is_wrong_is_told_by_xdist_too(plain: Project) -> None:
    plain.write("test_wrong.py", "import pytest\n@pytest.mark.celery_latency(p90=1)\ndef test_a(): pass\n")
    inner = plain.run("-n", "2")
    assert "there is no p90=; valid are task, phase, p50, p95, p99, max" in inner.text
    assert "INTERNALERROR" not in inner.text


VALUES = {
    "timeout=soon": "celery_perf_timeout (command line)='soon': expected seconds",
    "timeout=0": "celery_perf_timeout (command line): '0' leaves the tasks no time: give more than zero",
    "workers=": "celery_perf_workers (command line): '' names no worker; expected lines such as \"default: -c 2\"",
    "time-scale=2": "celery_perf_time_scale (command line): '2' is not a number above 0 and at most 1",
    "broker=rabbit": "'rabbit' is not auto, process, container or a redis:// URL",
    "start=hot": "celery_perf_start (command line): 'hot' is not one of auto, warm, cold",
    "json-detail=all": "'all' is not one of records, aggregates",
    "json=.": "is a directory, not a file",
    "output=xml:a": "celery_perf_output (command line): 'xml' in 'xml:a' is none of the formats json, pytest-",
}


@pytest.mark.parametrize("option", VALUES)
def test_an_option_that_is_wrong(plain: Project, option: str) -> None:
    inner, words = plain.run(f"--celery-perf-{option}"), VALUES[option]
    assert inner.status == pytest.ExitCode.USAGE_ERROR
    assert words in inner.text
    assert "Traceback" not in inner.text


def test_a_marker_that_is_misspelt(plain: Project) -> None:
    plain.write("test_wrong.py", "import pytest\n@pytest.mark.celery_querys(max=1)\ndef test_a(): pass\n")
    _lenient(plain)
    words = "test_wrong.py::test_a: there is no @pytest.mark.celery_querys; did you mean celery_queries?"
    assert words in plain.run().text


def test_markers_of_others_are_left_alone(plain: Project) -> None:
    line = "celery_worker2: of ours"
    plain.write("conftest.py", f"def pytest_configure(config): config.addinivalue_line('markers', {line!r})\n")
    plain.write(
        "test_others.py",
        "import pytest\n"
        "@pytest.mark.celery(result_backend='redis://')\n"
        "@pytest.mark.celery_worker2(1)\n"
        "@pytest.mark.celery_slow\n"
        "def test_a(): pass\n",
    )
    _lenient(plain)
    said = plain.run()
    assert said.passed == {"test_a"}, said.text


def _lenient(project: Project) -> None:
    """Have pytest accept markers that nobody has registered, as it does by default."""
    ini = (project.folder / "pytest.ini").read_text()
    project.write("pytest.ini", ini.replace("--strict-markers ", "").replace("filterwarnings = error", ""))


def test_a_variable_that_no_setting_has(plain: Project) -> None:
    plain.write("test_good.py", GOOD)
    wrong = {"CELERY_PERF_TIMEOUTT": "5"}
    words = "there is no setting for the environment variable CELERY_PERF_TIMEOUTT; did you mean CELERY_PERF_TIMEOUT?"
    assert words in plain.run(env=wrong).text


def test_variables_between_our_processes_are_left_alone() -> None:
    folders = Path(pytest_celery_perf.__file__).parent, Path(__file__).parents[1]
    known = {option.variable for option in OPTIONS}
    sources = [source.read_text() for folder in folders for source in folder.rglob("*.py") if source != Path(__file__)]
    others = {name for source in sources for name in re.findall(r"CELERY_PERF_[A-Z_]+\b", source)} - known
    assert {"CELERY_PERF_PROBE", "CELERY_PERF_REQUIRE", "CELERY_PERF_TEST_POSTGRES"} <= others
    check_variables(others, [*known])


def test_queries_without_django_and_sqlalchemy(plain: Project) -> None:
    plain.write("conftest.py", "import sys\nsys.modules['sqlalchemy'] = None  # as if it were not installed\n")
    plain.write("test_wrong.py", "import pytest\n@pytest.mark.celery_queries(max=1)\ndef test_a(): pass\n")
    inner = plain.run()
    assert "@pytest.mark.celery_queries counts the queries of Django, which is not configured here" in inner.text


def test_a_database_that_django_does_not_have(library: Project) -> None:
    library.write(
        "test_wrong.py",
        "import pytest\n"
        "pytestmark = pytest.mark.django_db(transaction=True)\n"
        "@pytest.mark.celery_queries(using={'default': 9, 'archve': 1})\n"
        "def test_a(): pass\n",
    )
    words = "@pytest.mark.celery_queries: using={'archve': 1, 'default': 9}: DATABASES has no 'archve', only default, "
    text = library.run().text
    assert f"{words}archive (and nothing has imported SQLAlchemy, whose engines have names too)" in text
    assert "; did you mean 'archive'?" in text


def test_no_children_by_the_apps_own_setting(plain: Project) -> None:
    plain.ini(celery_perf_workers="main: -P prefork")
    plain.write("conftest.py", "from office import app\napp.conf.worker_pool = 'threads'\n")
    plain.write("test_child.py", CHILD)
    words = 'the pool threads runs tasks in no child process; write kill="worker", or pool="processes": to prefork'
    assert f"{words} Celery prefers the app's worker_pool='threads'" in plain.run().text


def test_the_pool_that_wins_over_the_apps_own_setting(plain: Project) -> None:
    plain.write("threaded.py", "from office import app\napp.conf.worker_pool = 'threads'\n")
    _set(plain, {"celery_perf_app": "threaded:app"})
    plain.write("test_good.py", CHILD.replace("@", "@pytest.mark.celery_worker(pool='processes')\n@", 1))
    inner = plain.run()
    assert inner.passed == {"test_child"}, inner.text


def test_a_test_inside_a_transaction(library: Project) -> None:
    library.write(
        "test_wrong.py",
        "import pytest\n"
        "@pytest.mark.django_db\n"
        "@pytest.mark.celery_latency(max=1)\n"
        "def test_mark(): pass\n"
        "def test_fixture(db, celery_perf): pass\n",
    )
    inner = library.run()
    assert "test_wrong.py::test_mark and 1 more: the test runs inside a database transaction" in inner.text
    assert "@pytest.mark.django_db(transaction=True)" in inner.text


def test_django_without_pytest_django(library: Project) -> None:
    library.write("test_wrong.py", "from library.tasks import idle\ndef test_a(celery_perf): celery_perf.run(idle)\n")
    library.write("conftest.py", "import django\nfrom django.conf import settings\nsettings.DEBUG\ndjango.setup()\n")
    library.write("pytest.ini", (library.folder / "pytest.ini").read_text().replace("DJANGO_SETTINGS_MODULE", "#"))
    inner = library.run("-p", "no:django", env={"DJANGO_SETTINGS_MODULE": "library.settings"})
    assert "pytest-django is not active: the workers would run on the project's real database" in inner.text


def _set(project: Project, settings: dict[str, str]) -> None:
    ini: Path = project.folder / "pytest.ini"
    lines = [line for line in ini.read_text().splitlines() if line.partition(" ")[0] not in settings]
    ini.write_text("\n".join(lines) + "\n")
    project.ini(**settings)
    project.write("broken.py", "1 / 0\n")
    project.write("test_good.py", GOOD)


def test_two_of_a_marker_that_is_of_the_whole_test(plain: Project) -> None:
    plain.write(
        "test_wrong.py",
        "import pytest\n"
        "pytestmark = pytest.mark.celery_regression(tolerance='1%')\n"
        "@pytest.mark.celery_regression(metrics=['cpu'])\n"
        "@pytest.mark.celery_regression(metrics=['memory'])\n"
        "def test_it(): pass\n",
    )
    assert "@pytest.mark.celery_regression: there are two of it: what it says is of the whole test" in plain.run().text


def test_a_comparison_of_a_test_that_is_never_compared(plain: Project) -> None:
    plain.write(
        "test_wrong.py",
        "import pytest\n"
        "pytestmark = pytest.mark.celery_regression(tolerance='1%')\n"
        "@pytest.mark.celery_retries(attempts=1)\n"
        "@pytest.mark.celery_regression(metrics=['cpu'])\n"
        "def test_both(): pass\n"
        "@pytest.mark.celery_retries(attempts=1)\n"
        "def test_of_a_module(): pass\n"
        "@pytest.mark.celery_retries(attempts=1)\n"
        "@pytest.mark.celery_regression(metrics=[])\n"
        "def test_left_out(): pass\n",
    )
    text = plain.run().text
    assert "test_wrong.py::test_both: @pytest.mark.celery_regression: a test with faults, kills, drills, sweeps" in text
    assert "1 more" not in text
