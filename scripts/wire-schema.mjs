/**
 * Kafka's message schemas, cut down to the versions that we speak.
 *
 *     message  { name, kind, lo, hi, flexibleFrom, structs }     structs: inner before outer, the message itself last
 *     struct   { name, path, lo, hi, fields }
 *     field    { name, path, type, struct, isList, lo, hi, nullFrom, tag, isOptional, isIgnorable, defaultsTo }
 *
 * A field that no spoken version has is left out. What no spoken message needs throws here, so that a newer schema fails
 * loudly: fields tagged in some versions only, nullable structs, numbers beyond 2^53, versions that end and begin again.
 */

const NEVER = Number.POSITIVE_INFINITY;
const PRIMITIVES = [
  'bool',
  'int8',
  'int16',
  'int32',
  'int64',
  'string',
  'bytes',
  'records',
  'uuid',
];

/** Schemas are JSON with line comments. */
export function parseSchema(text) {
  return JSON.parse(text.replaceAll(/^\s*\/\/.*$/gm, ''));
}

export function messageOf(schema, lo, hi) {
  const flexible = parseRange(schema.flexibleVersions);
  const message = {
    name: schema.name,
    kind: schema.type,
    lo,
    hi,
    flexibleFrom: flexible?.lo ?? NEVER,
    structs: [],
  };
  const known = parseRange(schema.validVersions);
  if (known === null || lo < known.lo || hi > known.hi) {
    throw new Error(`${schema.name} has versions ${schema.validVersions}, not ${lo} to ${hi}`);
  }
  const common = new Map((schema.commonStructs ?? []).map((struct) => [struct.name, struct]));
  addStruct(message, common, { name: '', path: '', fields: schema.fields, lo, hi });
  return message;
}

/** Adds a struct and, before it, those inside it; common structs once. */
function addStruct(message, common, { name, path, fields, lo, hi }) {
  const full = name.startsWith(message.name) ? name : `${message.name}${name}`;
  const present = message.structs.find((struct) => struct.name === full);
  if (present !== undefined) return present;
  const struct = { name: full, path, lo, hi, fields: [] };
  for (const field of fields) {
    const versions = parseRange(field.versions);
    const range = intersect(versions, { lo, hi });
    if (range !== null) struct.fields.push(fieldOf(message, common, struct, field, range));
  }
  message.structs.push(struct);
  return struct;
}

function fieldOf(message, common, parent, field, range) {
  const name = lowerFirst(field.name);
  const path = parent.path === '' ? name : `${parent.path}.${name}`;
  const isList = field.type.startsWith('[]');
  const type = isList ? field.type.slice(2) : field.type;
  const isStruct = !PRIMITIVES.includes(type);
  const nullable = intersect(parseRange(field.nullableVersions), range);
  const tagged = intersect(parseRange(field.taggedVersions), range);

  if (isStruct && !/^[A-Z]/.test(type)) throw new Error(`${path}: no such type: ${type}`);
  if (field.flexibleVersions !== undefined) throw new Error(`${path}: own flexible versions`);
  if (nullable !== null && nullable.hi !== range.hi) throw new Error(`${path}: null for a while`);
  if (nullable !== null && isStruct && !isList) throw new Error(`${path}: nullable struct`);
  if (tagged !== null && (tagged.lo !== range.lo || tagged.hi !== range.hi)) {
    throw new Error(`${path}: tagged in some versions only`);
  }

  const fields = field.fields ?? common.get(type)?.fields;
  const isCommon = field.fields === undefined;
  const struct = isStruct
    ? addStruct(message, common, {
        name: type,
        path: isCommon ? type : path,
        fields,
        ...(isCommon ? { lo: message.lo, hi: message.hi } : range),
      })
    : null;
  const everywhere = range.lo === parent.lo && range.hi === parent.hi;
  return {
    name,
    path,
    type: type === 'records' ? 'bytes' : type,
    struct,
    isList,
    ...range,
    nullFrom: nullable?.lo ?? NEVER,
    tag: tagged === null ? null : field.tag,
    isOptional: field.default !== undefined || !everywhere || tagged !== null,
    isIgnorable: field.ignorable === true,
    defaultsTo: defaultOf(field, path, isList ? 'list' : isStruct ? 'struct' : type),
  };
}

/** A JSON value; for structs undefined, since theirs follows from the fields. */
function defaultOf(field, path, type) {
  const given = field.default === undefined ? undefined : String(field.default).trim();
  if (given === 'null') return null;
  switch (type) {
    case 'bool':
      return given === 'true';
    case 'int8':
    case 'int16':
    case 'int32':
    case 'int64': {
      const value = Number(given ?? 0);
      if (!Number.isSafeInteger(value)) throw new Error(`${path}: default ${given}`);
      return value;
    }
    case 'string':
      return given ?? '';
    case 'list':
      return [];
    default:
      return undefined;
  }
}

function parseRange(text) {
  if (text === undefined || text === 'none') return null;
  const match = /^(\d+)(\+|-(\d+))?$/.exec(text);
  if (match === null) throw new Error(`versions ${text}`);
  const lo = Number(match[1]);
  return { lo, hi: match[2] === '+' ? NEVER : Number(match[3] ?? lo) };
}

function intersect(a, b) {
  if (a === null || b === null) return null;
  const lo = Math.max(a.lo, b.lo);
  const hi = Math.min(a.hi, b.hi);
  return lo > hi ? null : { lo, hi };
}

export function lowerFirst(name) {
  return name.charAt(0).toLowerCase() + name.slice(1);
}
