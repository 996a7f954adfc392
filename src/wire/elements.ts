import type { ElementSize, Reader } from './reader.ts';
import type { Writer } from './writer.ts';

/**
 * What the generated messages share: how one element of an array of primitives is read and written, and the default of a
 * bytes field.
 */
export const NO_BYTES = new Uint8Array(0);

export const SIZE_OF_INT8: ElementSize = { minBytes: 1, fields: 0 };
export const SIZE_OF_INT32: ElementSize = { minBytes: 4, fields: 0 };
export const SIZE_OF_INT64: ElementSize = { minBytes: 8, fields: 0 };
export const SIZE_OF_STRING: ElementSize = { minBytes: 1, fields: 0 };

export function readInt8(reader: Reader, _version: number, field: string): number {
  return reader.int8(field);
}

export function readInt32(reader: Reader, _version: number, field: string): number {
  return reader.int32(field);
}

export function readInt64(reader: Reader, _version: number, field: string): number {
  return reader.int64(field);
}

export function readString(reader: Reader, _version: number, field: string): string {
  return reader.string(field);
}

export function writeInt8(writer: Writer, _version: number, element: number): void {
  writer.int8(element);
}

export function writeInt32(writer: Writer, _version: number, element: number): void {
  writer.int32(element);
}

export function writeInt64(writer: Writer, _version: number, element: number): void {
  writer.int64(element);
}

export function writeString(writer: Writer, _version: number, element: string): void {
  writer.string(element);
}
