#!/usr/bin/env -S node --import tsx
import { start } from './start.js'

await start({ development: true })
