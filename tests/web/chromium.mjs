// Starts the site and a real Chromium for the browser tests.
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {chromium} from 'playwright-core';

import {serve} from '../../scripts/serve.mjs';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');

const quiet = ['--no-sandbox', '--disable-quic', '--no-first-run', '--disable-background-networking',
               '--disable-component-update', '--disable-sync'];
// WebGPU without a GPU: SwiftShader's adapter computes right, if slowly.
const softwareWebGpu = ['--enable-unsafe-webgpu', '--use-webgpu-adapter=swiftshader', '--enable-features=Vulkan',
                        '--enable-unsafe-swiftshader'];

export async function launch({webgpu = false} = {}) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) throw new Error(`${executablePath} is missing; scripts/setup installs it, or set CHROMIUM`);
  return chromium.launch({executablePath, args: [...quiet, ...(webgpu ? softwareWebGpu : ['--enable-unsafe-swiftshader'])]});
}

export const serveSite = (options = {}) => serve({dir: join(root, 'dist'), port: 0, ...options});
