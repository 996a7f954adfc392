/**
 * Topic and directory ids are lower-case hex strings of 32 digits, so that they can be keys of a map. This one, all zero,
 * is Kafka's "no id".
 */
export const ZERO_UUID = '00000000000000000000000000000000';
