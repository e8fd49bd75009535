import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

export interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  const?: unknown;
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: boolean | Schema;
  items?: Schema;
  allOf?: Schema[];
  oneOf?: Schema[];
  pattern?: string;
}
export interface Operation {
  responses: Record<string, { $ref?: string; content?: Record<string, { schema?: Schema }> }>;
  parameters?: { $ref?: string; name?: string; in?: string }[];
}
export interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const root = process.env.CONSOLE_ROOT!;
const file = process.env.GIROMQ_OPENAPI ?? join(root, "../../schemas/openapi.yaml");

export const description = parse(readFileSync(file, "utf8")) as Description;

export function resolve<T extends { $ref?: string }>(node: T): T {
  if (!node.$ref) return node;
  let found: unknown = description;
  for (const name of node.$ref.replace("#/", "").split("/")) found = (found as Record<string, unknown>)[name];
  return found as T;
}

/** The properties of an object, those it has from others by allOf included. */
export function propertiesOf(schema: Schema): Record<string, Schema> {
  const resolved = resolve(schema);
  return Object.assign({}, ...(resolved.allOf ?? []).map(propertiesOf), resolved.properties ?? {}) as Record<string, Schema>;
}

export function requiredOf(schema: Schema): Set<string> {
  const resolved = resolve(schema);
  return new Set([...(resolved.allOf ?? []).flatMap((part) => [...requiredOf(part)]), ...(resolved.required ?? [])]);
}

/** The words that a text may be, null aside; null if it may be any. */
export function wordsOf(schema: Schema): string[] | null {
  const { enum: words } = resolve(schema);
  return words ? words.filter((word): word is string => typeof word === "string") : null;
}

/** The path of the description that a path of the API is, without /api/v1/ and the query. */
export function templateOf(path: string): string | undefined {
  const parts = path.split("?")[0]!.split("/");
  return Object.keys(description.paths)
    .sort((one, other) => one.split("{").length - other.split("{").length)
    .find((template) => {
      const names = template.replace("/api/v1/", "").split("/");
      return names.length === parts.length && names.every((name, index) => name.startsWith("{") || name === parts[index]);
    });
}

function typeOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  return typeof value === "number" && Number.isInteger(value) ? "integer" : typeof value;
}

/** What is wrong with a value, in words; empty if nothing is. Knows the words of JSON Schema that openapi.yaml uses. */
export function violations(value: unknown, schema: Schema, at = "$"): string[] {
  const { type, ...rest } = resolve(schema);
  if (type !== undefined) {
    const types = [type].flat();
    const actual = typeOf(value);
    if (!types.includes(actual) && !(actual === "integer" && types.includes("number")))
      return [`${at} is ${actual}, not ${types.join(" or ")}`];
  }
  const found: string[] = [];
  if (rest.const !== undefined && value !== rest.const) found.push(`${at} is not ${String(rest.const)}`);
  if (rest.enum && !rest.enum.includes(value)) found.push(`${at} is ${JSON.stringify(value)}, none of ${rest.enum.join(", ")}`);
  if (rest.pattern && typeof value === "string" && !new RegExp(rest.pattern).test(value))
    found.push(`${at} does not match ${rest.pattern}`);
  for (const part of rest.allOf ?? []) found.push(...violations(value, part, at));
  if (rest.oneOf && !rest.oneOf.some((part) => violations(value, part, at).length === 0)) found.push(`${at} is none of the alternatives`);
  if (rest.items && Array.isArray(value)) value.forEach((item, index) => found.push(...violations(item, rest.items!, `${at}[${index}]`)));
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    found.push(...objectViolations(value as Record<string, unknown>, rest, at));
  return found;
}

function objectViolations(value: Record<string, unknown>, schema: Schema, at: string): string[] {
  const found = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at}.${name} is missing`);
  for (const [name, item] of Object.entries(value)) {
    const property = schema.properties?.[name];
    if (property) found.push(...violations(item, property, `${at}.${name}`));
    else if (schema.additionalProperties === false) found.push(`${at}.${name} is not described`);
    else if (typeof schema.additionalProperties === "object") found.push(...violations(item, schema.additionalProperties, `${at}.${name}`));
  }
  return found;
}
