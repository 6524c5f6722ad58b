/** What pawl needs of a logger; pino fits. Without one, warnings and errors go to standard error. */
export interface Logger {
  /** What helps to follow pawl step by step. Often called; switch it off in production. */
  debug(fields: object, message: string): void;
  /** What happens in normal work, such as a worker that starts or closes. */
  info(fields: object, message: string): void;
  /** What pawl can deal with by itself, and a person should know. */
  warn(fields: object, message: string): void;
  /** What a person has to look at. Runs may stand still because of it. */
  error(fields: object, message: string): void;
}

const nothing = (): void => undefined;

export const silentLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
};

/** A logger that adds these fields to each message, as they are then. */
export function withFields(logger: Logger, fields: () => object): Logger {
  return {
    debug: (more, message) => logger.debug({ ...fields(), ...more }, message),
    info: (more, message) => logger.info({ ...fields(), ...more }, message),
    warn: (more, message) => logger.warn({ ...fields(), ...more }, message),
    error: (more, message) => logger.error({ ...fields(), ...more }, message),
  };
}
