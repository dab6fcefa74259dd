#!/usr/bin/env node
import module from 'node:module'

module.enableCompileCache?.() // Node 22 and newer: starts in half the time

const { start } = await import('./start.js')
await start()
