import { UserError } from '../../error.js'
import { field, message, text } from '../replay/config.js'
import type { Library, Pointer } from '../replay/library.js'
import { checked } from '../replay/status.js'

/** The address that workers listen on unless told otherwise: of this machine alone. */
export const LOOPBACK = '127.0.0.1:2222'

/** A ServerDef (tensorflow/core/protobuf/tensorflow_server.proto) of a cluster in which the task is alone. */
export function serverDefinition(address: string, threads: number): Uint8Array {
  const task = message(2, [...field(1, 0), ...text(2, address)]) // JobDef.tasks {0: address}
  const cluster = message(1, [...text(1, 'worker'), ...task]) // ClusterDef.job
  const config = [...field(2, threads), ...field(5, 1), ...message(6, field(4, 1))] // ConfigProto
  return Uint8Array.from([
    ...message(1, cluster),
    ...text(2, 'worker'),
    ...field(3, 0), // task_index
    ...message(4, config), // default_session_config
    ...text(5, 'grpc'),
  ])
}

/**
 * Starts TensorFlow's own server in this process; it serves until the process ends.
 * @throws UserError where the address can't be had.
 */
export function startServer(library: Library, address: string, threads: number): { target: string } {
  const definition = serverDefinition(address, threads)
  try {
    const server = checked(
      library,
      'to make a server',
      (status) => library.NewServer!(definition, definition.length, status) as Pointer,
    )
    checked(library, 'to start a server', (status) => library.ServerStart!(server, status))
    return { target: library.ServerTarget!(server) as string }
  } catch (error) {
    throw new UserError({
      at: `--listen ${address}`,
      problem: `TensorFlow can't listen there: ${(error as UserError).problem}`,
      remedy: 'Choose a free port of this machine.',
    })
  }
}
