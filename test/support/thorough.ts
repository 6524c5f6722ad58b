/** `PAWL_THOROUGH=1`: also what takes long. The night plays it so, a change of the code does not. */
export const isThorough = process.env['PAWL_THOROUGH'] !== undefined;
