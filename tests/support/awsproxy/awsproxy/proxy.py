"""The proxy server and its admin endpoints."""

import asyncio
import gzip
import json
import socket
import struct
import time

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
    hdrs,
    web,
)
from multidict import CIMultiDict
from yarl import URL

from .check import Checker
from .errors import Reply, reply, throttled
from .eventual import Behaviour, behaviours
from .identify import DATA, Call, identify, is_form
from .models import Catalog
from .parse import Problem
from .record import Entry, Recorder
from .scenario import Action, Scenario, ScenarioError, parse

HOP_BY_HOP = (
    "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
    "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade",
)  # fmt: skip
READ_WHOLE = 1 << 20  # answers up to this size are sent in one write
MAX_BODY = 1 << 30
MAX_HEADER = 1 << 16

UPSTREAM_HEADERS = web.RequestKey("upstream_headers", CIMultiDict)


class Dropped(Exception):
    """The client's connection was dropped instead of answering it."""


class Proxy:
    def __init__(
        self, upstream: str, scenario: Scenario, recorder: Recorder, check: bool
    ):
        self.upstream = upstream.rstrip("/")
        self.catalog = Catalog()
        self.catalog.preload()
        self.recorder = recorder
        self.checker = Checker() if check else None
        self.use(scenario)
        self._session: ClientSession | None = None

    def use(self, scenario: Scenario) -> None:
        """Take a scenario, with fresh buckets, counters and lags."""
        self.scenario = scenario
        self.behaviours = behaviours(scenario.eventual)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", r"/{tail:[\s\S]*}", self.handle)
        app.cleanup_ctx.append(self._run_session)
        app.on_response_prepare.append(_keep_upstream_headers)
        return app

    async def _run_session(self, app: web.Application):
        # A connection for each request: one that is kept could be stale, and
        # a retry on it could reach the upstream twice.
        self._session = ClientSession(
            connector=TCPConnector(limit=0, force_close=True),
            cookie_jar=DummyCookieJar(),
            timeout=ClientTimeout(total=None, sock_connect=10),
            auto_decompress=False,
            skip_auto_headers=(
                "Accept",
                "Accept-Encoding",
                "Content-Type",
                "User-Agent",
            ),
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
        )
        yield
        await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        entry = self.recorder.begin(request.method, request.raw_path)
        entry.bytes_in = request.content_length or 0
        call, scenario_behaviours = None, self.behaviours
        try:
            call = await self._identify(request, entry)
            if call.service == DATA:
                return await self._pass(request, call, entry, [])
            return await self._serve(request, call, entry, scenario_behaviours)
        except Dropped:
            entry.status = 0
            return web.Response()
        except (ClientError, OSError) as error:
            entry.injected.append("upstream_error")
            entry.status = 502
            return web.Response(status=502, text=f"awsproxy: upstream: {error!r}")
        finally:
            if call:
                for behaviour in scenario_behaviours:
                    behaviour.done(call)
            self.recorder.end(entry)

    async def _identify(self, request: web.Request, entry: Entry) -> Call:
        body = await request.read() if is_form(request.headers) else None
        call = identify(
            self.catalog, request.method, request.raw_path, request.headers, body
        )
        entry.service, entry.operation = call.service, call.operation
        entry.account, entry.region = call.account, call.region
        entry.mutating = call.mutating
        operation = call.operation_model
        streamed = call.service == DATA or (operation and operation.has_streaming_input)
        if body is None and not streamed:
            call.body = await request.read()
        if call.body is not None:
            entry.bytes_in = len(call.body)
        return call

    async def _serve(
        self, request, call: Call, entry: Entry, active: list[Behaviour]
    ) -> web.StreamResponse:
        """A signed call: check it, then what the scenario has for it."""
        if self.checker:
            self._check(call, entry)
        scenario = self.scenario
        if call.region in scenario.region_down:
            entry.injected.append("region_down")
            self._drop(request)
        if delay := scenario.delay_s(call):
            entry.delay_ms = round(delay * 1000, 1)
            await asyncio.sleep(delay)
        if refusing := scenario.throttle.refuse(call, time.monotonic()):
            entry.injected.append("throttle")
            return self._answer(reply(call, refusing.error or throttled(call)), entry)
        action = scenario.failure(call)
        if action:
            entry.injected.append(f"fail:{action.kind}")
            if action.kind == "error":
                return self._answer(reply(call, action.error), entry)
            if action.kind == "close_before":
                self._drop(request)
            if action.kind == "hang" and action.then != "answer":
                await self._hang(entry, action)
                if action.then == "close":
                    self._drop(request)
        for behaviour in active:
            if answer := behaviour.before(call, time.monotonic()):
                entry.injected.append(f"eventual:{type(behaviour).__name__}")
                return self._answer(answer, entry)
        return await self._pass(request, call, entry, active, action)

    async def _hang(self, entry: Entry, action: Action) -> None:
        self.recorder.hanging += 1
        try:
            await asyncio.sleep(action.seconds)
        finally:
            self.recorder.hanging -= 1

    def _check(self, call: Call, entry: Entry) -> None:
        try:
            violations, warnings = self.checker.check(call)
        except Exception as error:  # a fault here must not stop the call
            violations, warnings = [], [Problem("checker", call.path, repr(error))]
        entry.violations = [problem._asdict() for problem in violations]
        entry.warnings = [problem._asdict() for problem in warnings]

    @staticmethod
    def _answer(answer: Reply, entry: Entry) -> web.Response:
        entry.status, entry.bytes_out = answer.status, len(answer.body)
        return web.Response(
            status=answer.status, headers=answer.headers, body=answer.body
        )

    @staticmethod
    def _drop(request: web.Request) -> None:
        """Reset the client's connection."""
        transport = request.transport
        if transport is not None:
            linger = struct.pack("ii", 1, 0)
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        raise Dropped

    async def _pass(
        self,
        request: web.Request,
        call: Call,
        entry: Entry,
        active: list[Behaviour],
        action: Action | None = None,
    ) -> web.StreamResponse:
        """Send the call upstream and its answer back, unless it is held or dropped."""
        body = call.body
        if body is None and request.can_read_body:
            body = request.content
        headers = _end_to_end(request.raw_headers)
        headers.popall(hdrs.EXPECT, None)  # aiohttp has answered it
        chunked = "Transfer-Encoding" in request.headers
        if chunked:
            headers.popall(hdrs.CONTENT_LENGTH, None)
        async with self._session.request(
            request.method,
            URL(self.upstream + request.raw_path, encoded=True),
            headers=headers,
            data=body or None,
            chunked=True if chunked and body else None,
            allow_redirects=False,
        ) as upstream:
            entry.status = upstream.status
            readers = [b for b in active if b.reads(call)]
            length = upstream.content_length
            if readers or action or length is not None and length <= READ_WHOLE:
                return await self._send_whole(
                    request, call, entry, upstream, readers, action
                )
            return await self._send_stream(request, entry, upstream)

    async def _send_whole(
        self, request, call, entry: Entry, upstream, readers, action
    ) -> web.Response:
        body = await upstream.read()
        headers = _end_to_end(upstream.raw_headers)
        request[UPSTREAM_HEADERS] = headers.copy()
        for behaviour in readers if upstream.ok else ():
            name = type(behaviour).__name__
            try:
                plain = _decoded(headers, body)
                rewritten = behaviour.after(call, plain, time.monotonic())
            except Exception:  # an answer that is not what AWS would send
                entry.injected.append(f"not_understood:{name}")
                continue
            if rewritten is not None:
                entry.injected.append(f"rewrite:{name}")
                body = rewritten
                headers.popall("x-amz-crc32", None)
                headers.popall(hdrs.CONTENT_ENCODING, None)
        if action and action.kind == "close_after":
            self._drop(request)
        if action and action.then == "answer":
            await self._hang(entry, action)
        entry.bytes_out = len(body)
        if request.method != hdrs.METH_HEAD:
            headers.popall(hdrs.CONTENT_LENGTH, None)
        return web.Response(
            status=upstream.status, reason=upstream.reason, headers=headers, body=body
        )

    async def _send_stream(self, request, entry: Entry, upstream) -> web.StreamResponse:
        headers = _end_to_end(upstream.raw_headers)
        request[UPSTREAM_HEADERS] = headers.copy()
        response = web.StreamResponse(
            status=upstream.status, reason=upstream.reason, headers=headers
        )
        await response.prepare(request)
        try:
            async for chunk in upstream.content.iter_any():
                entry.bytes_out += len(chunk)
                await response.write(chunk)
        except (ClientError, OSError):  # of the upstream or the client
            entry.injected.append("stream_broken")
            self._drop(request)
        await response.write_eof()
        return response


def _end_to_end(raw_headers) -> CIMultiDict:
    """The headers as written, without those that belong to one connection."""
    kept = CIMultiDict(
        (name.decode(), value.decode("utf-8", "surrogateescape"))
        for name, value in raw_headers
    )
    for name in HOP_BY_HOP:
        kept.popall(name, None)
    return kept


def _decoded(headers, body: bytes) -> bytes:
    if headers.get(hdrs.CONTENT_ENCODING, "").lower() == "gzip":
        return gzip.decompress(body)
    return body


async def _keep_upstream_headers(request, response) -> None:
    """Take out what aiohttp adds to an answer that is passed on."""
    original = request.get(UPSTREAM_HEADERS)
    if original is not None:
        for name in (hdrs.CONTENT_TYPE, hdrs.DATE, hdrs.SERVER):
            if name not in original:
                response.headers.popall(name, None)


class Admin:
    """GET /stats and /violations, POST /reset and /scenario."""

    def __init__(self, proxy: Proxy):
        self.proxy = proxy

    def application(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/stats", self.stats)
        app.router.add_get("/violations", self.violations)
        app.router.add_post("/reset", self.reset)
        app.router.add_post("/scenario", self.scenario)
        return app

    async def stats(self, request: web.Request) -> web.Response:
        stats = self.proxy.recorder.stats()
        if self.proxy.checker:
            stats["patterns_skipped"] = len(self.proxy.checker.patterns_skipped)
        return _json(stats)

    async def violations(self, request: web.Request) -> web.Response:
        return _json(self.proxy.recorder.problems(request.query.get("account")))

    async def reset(self, request: web.Request) -> web.Response:
        self.proxy.recorder.reset()
        self.proxy.use(Scenario(self.proxy.scenario.data))
        return _json({"reset": True})

    async def scenario(self, request: web.Request) -> web.Response:
        try:
            self.proxy.use(parse(await request.text()))
        except ScenarioError as error:
            return _json({"error": str(error)}, status=400)
        return _json(self.proxy.scenario.data)


def _json(data, status: int = 200) -> web.Response:
    return web.json_response(
        data, status=status, dumps=lambda d: json.dumps(d, indent=1) + "\n"
    )
