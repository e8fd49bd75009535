"""Whether an answer of the running broker is what schemas/openapi.yaml says: its status, its type, and every field of its body.

giromqd.Daemon.http() asks this of every answer, so each test of the daemon is a test of the contract too. Fields that the file does not
name are as wrong as fields that are missing.
"""

import functools
import json
import os
import re

import jsonschema
import yaml

SCHEMA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "schemas", "openapi.yaml")
# What the server may say to any request, before it knows where it goes.
EVERYWHERE = {400, 401, 403, 404, 405, 411, 413, 414, 415, 421, 429, 431, 503}


class Violation(AssertionError):
    """An answer that is not as the file says."""


class Contract:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver("", document)
        self.paths = [(self.pattern(path), path, item) for path, item in document["paths"].items()]
        # A path without parameters comes before one with: /permissions/check before /permissions/{id}.
        self.paths.sort(key=lambda entry: entry[1].count("{"))

    @staticmethod
    def pattern(path):
        return re.compile("^" + re.sub(r"\\\{[^/]+\\\}", "[^/]+", re.escape(path)) + "$")

    def resolve(self, item):
        while "$ref" in item:
            item = self.resolver.resolve(item["$ref"])[1]
        return item

    def operation(self, method, target):
        path = target.split("?", 1)[0]
        for pattern, _, item in self.paths:
            if pattern.match(path):
                return item.get("get" if method == "HEAD" else method.lower())
        return None

    def check(self, method, target, status, content_type, body):
        if "/console" in target or not target.startswith(("/api/", "/livez", "/readyz", "/metrics")):
            return
        operation = self.operation(method, target)
        where = f"{method} {target} -> {status}"
        kind = (content_type or "").split(";", 1)[0].strip()
        described = self.resolve(operation["responses"][str(status)]) if operation and str(status) in operation["responses"] else None
        if described is None:
            if status not in EVERYWHERE:
                raise Violation(f"{where}: the file does not know this answer")
            described = {"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}
        contents = described.get("content")
        if contents is None:
            if body:
                raise Violation(f"{where}: a body, where the file has none")
            return
        if kind not in contents:
            raise Violation(f"{where}: the type is {kind!r}, the file says {sorted(contents)}")
        if method != "HEAD" and kind.endswith("json") and kind != "application/x-ndjson":
            self.check_body(where, contents[kind]["schema"], json.loads(body))

    def check_body(self, where, schema, value):
        # The root has to be a schema of its own, so that references and what is left unevaluated are seen together.
        whole = {"allOf": [schema], "unevaluatedProperties": False}
        validator = jsonschema.Draft202012Validator(whole, resolver=self.resolver, format_checker=jsonschema.FormatChecker())
        for error in validator.iter_errors(value):
            raise Violation(f"{where}: {error.message} at /{'/'.join(map(str, error.absolute_path))}")


@functools.lru_cache(maxsize=1)
def contract():
    with open(SCHEMA, encoding="utf-8") as stream:
        return Contract(yaml.safe_load(stream))


def check(method, target, status, content_type, body):
    contract().check(method, target, status, content_type, body)
