#!/usr/bin/env node
import module from 'node:module'
import { compiledCodeFolder } from '../dist/src/compiled_code.js'

const folder = compiledCodeFolder()
if (folder) module.enableCompileCache?.(folder) // Node 22 and newer: starts in half the time

const { start } = await import('./start.js')
await start()
