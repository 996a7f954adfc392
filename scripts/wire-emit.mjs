import { lowerFirst } from './wire-schema.mjs';

/** TypeScript for the messages of one file; prettier does the line breaks. */

const PRIMITIVE_TYPES = { bool: 'boolean', string: 'string', uuid: 'string', bytes: 'Uint8Array' };
const FIXED_BYTES = { bool: 1, int8: 1, int16: 2, int32: 4, int64: 8, uuid: 16 };

/** Interface, writer and reader of each struct of a message. */
export function emitMessage(message) {
  return message.structs.map((struct) => emitStruct(message, struct)).join('\n');
}

/** The object that callers use: an `Api` of a request and a response, or a `Schema`. */
export function emitApi(name, key, request, response) {
  const { lo, hi, flexibleFrom } = request;
  return `
    export const ${lowerFirst(name)}: Api<${name}Request, ${name}Response> = defineApi({
      key: ${key},
      name: '${name}',
      minVersion: ${lo},
      maxVersion: ${hi},
      flexibleFrom: ${flexibleFrom},
      writeRequest: write${request.name},
      readRequest: read${request.name},
      writeResponse: write${response.name},
      readResponse: read${response.name},
    });`;
}

export function emitSchema({ name, lo, hi }) {
  return `
    export const ${lowerFirst(name)}: Schema<${name}> = defineSchema({
      name: '${name}',
      minVersion: ${lo},
      maxVersion: ${hi},
      write: write${name},
      read: read${name},
    });`;
}

/** Puts the imports that a body uses before it. */
export function emitFile(header, body) {
  const uses = (name) => new RegExp(`\\b${name}\\b`).test(body);
  const imports = (names, from, kind = '') => {
    const used = names.filter(uses);
    return used.length === 0 ? '' : `import ${kind}{ ${used.join(', ')} } from '../${from}';`;
  };
  const elements = ['Int8', 'Int32', 'Int64', 'String'];
  return [
    `${header}\n`,
    imports(['Api', 'Complete', 'Schema'], 'api.ts', 'type '),
    imports(['defineApi', 'defineSchema', 'notNull', 'unsupportedField'], 'api.ts'),
    imports(
      [
        'NO_BYTES',
        ...elements.map((type) => `SIZE_OF_${type.toUpperCase()}`),
        ...elements.map((type) => `read${type}`),
        ...elements.map((type) => `write${type}`),
      ],
      'elements.ts',
    ),
    imports(['ElementSize', 'Reader'], 'reader.ts', 'type '),
    imports(['ZERO_UUID'], 'uuid.ts'),
    imports(['Writer'], 'writer.ts', 'type '),
    `\n${body}`,
  ]
    .filter((part) => part !== '')
    .join('\n');
}

function emitStruct(message, struct) {
  const isMessage = struct.name === message.name;
  const isListed = message.structs.some((other) =>
    other.fields.some((field) => field.isList && field.struct === struct),
  );
  return [
    isMessage ? `\n/** Versions ${message.lo} to ${message.hi}. */` : '',
    `export interface ${struct.name} {`,
    ...struct.fields.map((field) => emitField(message, struct, field)),
    '}',
    isListed ? emitSize(message, struct) : '',
    emitWriter(message, struct),
    emitReader(message, struct),
  ].join('\n');
}

function emitField(message, struct, field) {
  const isOptional = message.kind !== 'response' && field.isOptional;
  const notes = [];
  if (field.hi < struct.hi) notes.push(`Versions ${field.lo} to ${field.hi}.`);
  else if (field.lo > struct.lo) notes.push(`From version ${field.lo} on.`);
  if (field.nullFrom > field.lo && field.nullFrom <= field.hi) {
    notes.push(`Null only from version ${field.nullFrom} on.`);
  }
  const doc = notes.length > 0 ? `/** ${notes.join(' ')} */\n` : '';
  return `${doc}readonly ${field.name}${isOptional ? '?' : ''}: ${typeOf(field)};`;
}

function emitSize(message, struct) {
  const flexible = message.flexibleFrom;
  let minBytes = flexible <= struct.lo ? 1 : 0;
  for (const field of struct.fields) minBytes += minBytesOf(field, struct, flexible);
  return `const ${sizeName(struct)}: ElementSize = { minBytes: ${minBytes}, fields: ${struct.fields.length} };`;
}

function minBytesOf(field, struct, flexibleFrom) {
  if (field.tag !== null || field.lo > struct.lo || field.hi < struct.hi) return 0;
  const isCompact = flexibleFrom <= struct.hi;
  if (field.isList || field.type === 'bytes') return isCompact ? 1 : 4;
  if (field.type === 'string') return isCompact ? 1 : 2;
  if (field.struct === null) return FIXED_BYTES[field.type];
  return field.struct.fields.reduce(
    (sum, inner) => sum + minBytesOf(inner, field.struct, flexibleFrom),
    0,
  );
}

// ---- writing

function emitWriter(message, struct) {
  const plain = struct.fields.filter((field) => field.tag === null);
  const tagged = struct.fields.filter((field) => field.tag !== null);
  tagged.sort((a, b) => a.tag - b.tag);
  const body = [
    ...plain.map((field) => emitWrite(message, struct, field)),
    ...tagged.map((field) => {
      const refuse = emitRefuse(message, field, valueOf(message, field, 'value'));
      const condition = within(field, struct);
      return refuse === '' || condition === '' ? '' : `if (!(${condition})) { ${refuse} }`;
    }),
    emitTags(message, struct, tagged),
  ].join('\n');
  return `
    function write${struct.name}(writer: Writer, ${versionParameter(body)}, value: ${struct.name}): void {
      ${body}
    }`;
}

function emitWrite(message, struct, field) {
  const condition = within(field, struct);
  // Where null and missing differ, the value is taken out once.
  const isHoisted = message.kind !== 'response' && field.isOptional && hasNullBesideDefault(field);
  const value = isHoisted ? field.name : valueOf(message, field, 'value');
  const hoist = isHoisted ? `const ${value} = ${valueOf(message, field, 'value')};\n` : '';
  const statement = writeStatement(message, field, value);
  if (condition === '') return hoist + statement;
  const refuse = emitRefuse(message, field, value);
  return `${hoist}if (${condition}) { ${statement} } ${refuse === '' ? '' : `else ${refuse}`}`;
}

/** What a request says in a field that its version lacks must not get lost, unless Kafka says that it may. */
function emitRefuse(message, field, value) {
  if (message.kind === 'response' || field.isIgnorable) return '';
  const differs = differsFromDefault(message, field, value);
  return `if (${differs}) { throw unsupportedField('${labelOf(message)}', version, '${field.path}'); }`;
}

function emitTags(message, struct, tagged) {
  if (message.flexibleFrom > struct.hi) return '';
  if (tagged.length === 0) return 'writer.noTags();';
  const condition = (field) => {
    const lo = Math.max(struct.lo, message.flexibleFrom);
    const range = within(field, { lo, hi: struct.hi });
    const differs = differsFromDefault(message, field, field.name);
    return range === '' ? differs : `${range} && (${differs})`;
  };
  const body = [
    ...tagged.map((field) => `const ${field.name} = ${valueOf(message, field, 'value')};`),
    ...tagged.map((field) => `const has${upperFirst(field.name)} = ${condition(field)};`),
    `writer.uvarint(${tagged.map((field) => `(has${upperFirst(field.name)} ? 1 : 0)`).join(' + ')});`,
    ...tagged.map(
      (field) => `if (has${upperFirst(field.name)}) {
        const start = writer.openTag(${field.tag});
        ${writeStatement(message, field, field.name)}
        writer.closeTag(start);
      }`,
    ),
  ].join('\n');
  return message.flexibleFrom > struct.lo
    ? `if (version >= ${message.flexibleFrom}) { ${body} }`
    : body;
}

function writeStatement(message, field, value) {
  const { nullFrom, lo, hi } = field;
  if (nullFrom <= lo) return writeCall(field, value, true);
  if (nullFrom > hi) return writeCall(field, value, false);
  const checked = `notNull(${value}, '${labelOf(message)}', version, '${field.path}')`;
  return `if (version >= ${nullFrom}) { ${writeCall(field, value, true)} } else { ${writeCall(field, checked, false)} }`;
}

function writeCall(field, value, isNullable) {
  const method = (name) => (isNullable ? `nullable${upperFirst(name)}` : name);
  if (field.isList) {
    const write = `write${field.struct?.name ?? upperFirst(field.type)}`;
    return `writer.${method('list')}(${value}, version, ${write});`;
  }
  if (field.struct !== null) return `write${field.struct.name}(writer, version, ${value});`;
  return `writer.${method(field.type)}(${value});`;
}

/** The value of a field of `owner`, with the default where a caller may have left it out. */
function valueOf(message, field, owner) {
  const value = `${owner}.${field.name}`;
  if (message.kind === 'response' || !field.isOptional) return value;
  const fallback = defaultOf(field);
  if (hasNullBesideDefault(field)) return `${value} === undefined ? ${fallback} : ${value}`;
  return `(${value} ?? ${fallback})`;
}

function hasNullBesideDefault(field) {
  return field.nullFrom <= field.hi && field.defaultsTo !== null;
}

function differsFromDefault(message, field, value) {
  const isNullable = field.nullFrom <= field.hi;
  if (field.defaultsTo === null) return `${value} !== null`;
  if (field.isList || field.type === 'bytes') {
    return isNullable ? `${value} === null || ${value}.length > 0` : `${value}.length > 0`;
  }
  if (field.struct === null) return `${value} !== ${defaultOf(field)}`;
  return field.struct.fields
    .map((inner) => differsFromDefault(message, inner, valueOf(message, inner, value)))
    .join(' || ');
}

// ---- reading

function emitReader(message, struct) {
  const isResponse = message.kind === 'response';
  const complete = (type) => (isResponse ? type : `Complete<${type}>`);
  const typeRead = (field) => (field.struct === null ? typeOf(field) : complete(typeOf(field)));
  const plain = struct.fields.filter((field) => field.tag === null);
  const tagged = struct.fields.filter((field) => field.tag !== null);
  const body = [
    ...plain.map((field) => `const ${field.name} = ${emitRead(struct, field)};`),
    ...tagged.map((field) => `let ${field.name}: ${typeRead(field)} = ${defaultOf(field)};`),
    emitReadTags(message, struct, tagged),
    `return { ${struct.fields.map((field) => field.name).join(', ')} };`,
  ].join('\n');
  return `
    function read${struct.name}(reader: Reader, ${versionParameter(body)}): ${complete(struct.name)} {
      ${body}
    }`;
}

function emitRead(struct, field) {
  const condition = within(field, struct);
  const expression = readExpression(field);
  return condition === '' ? expression : `${condition} ? ${expression} : ${defaultOf(field)}`;
}

function emitReadTags(message, struct, tagged) {
  if (message.flexibleFrom > struct.hi) return '';
  if (tagged.length === 0) return 'reader.skipTags();';
  const cases = tagged.map((field) => {
    const range = within(field, { lo: Math.max(struct.lo, message.flexibleFrom), hi: struct.hi });
    const condition = `tag === ${field.tag}${range === '' ? '' : ` && ${range}`}`;
    return `if (${condition}) { ${field.name} = ${readExpression(field)}; }`;
  });
  return `
    for (let left = reader.tagCount(); left > 0; left--) {
      const tag = reader.uvarint('tag');
      const end = reader.tagEnd();
      ${cases.join(' else ')}
      reader.skipTo(end);
    }`;
}

function readExpression(field) {
  const { nullFrom, lo, hi } = field;
  if (nullFrom <= lo) return readCall(field, true);
  if (nullFrom > hi) return readCall(field, false);
  return `(version >= ${nullFrom} ? ${readCall(field, true)} : ${readCall(field, false)})`;
}

function readCall(field, isNullable) {
  const method = (name) => (isNullable ? `nullable${upperFirst(name)}` : name);
  const { struct, type, path } = field;
  if (field.isList) {
    const read = `read${struct?.name ?? upperFirst(type)}`;
    const size = struct === null ? `SIZE_OF_${type.toUpperCase()}` : sizeName(struct);
    return `reader.${method('list')}('${path}', version, ${read}, ${size})`;
  }
  if (struct !== null) return `read${struct.name}(reader, version)`;
  return `reader.${method(type)}('${path}')`;
}

// ---- both

function defaultOf(field) {
  if (field.defaultsTo === null) return 'null';
  if (field.isList) return '[]';
  if (field.struct !== null) {
    const fields = field.struct.fields.map((inner) => `${inner.name}: ${defaultOf(inner)}`);
    return `{ ${fields.join(', ')} }`;
  }
  if (field.type === 'bytes') return 'NO_BYTES';
  if (field.type === 'uuid') return 'ZERO_UUID';
  return JSON.stringify(field.defaultsTo);
}

function typeOf(field) {
  const element = field.struct?.name ?? PRIMITIVE_TYPES[field.type] ?? 'number';
  const type = field.isList ? `readonly ${element}[]` : element;
  return field.nullFrom <= field.hi ? `${type} | null` : type;
}

/** The condition on `version` for a field inside its struct; empty where it is in all versions of it. */
function within(field, struct) {
  const conditions = [];
  if (field.lo > struct.lo) conditions.push(`version >= ${field.lo}`);
  if (field.hi < struct.hi) conditions.push(`version <= ${field.hi}`);
  return conditions.join(' && ');
}

function labelOf(message) {
  return message.name.replace(/(Request|Response)$/, (kind) => ` ${kind.toLowerCase()}`);
}

function sizeName(struct) {
  return `SIZE_OF_${struct.name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase()}`;
}

function versionParameter(body) {
  return /\bversion\b/.test(body) ? 'version: number' : '_version: number';
}

function upperFirst(name) {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
