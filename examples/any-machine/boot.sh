#!/bin/sh
# What a machine measures while it boots. No register is named, only what each measurement is for (its role), so that the script is the same on every machine;
# reference.json beside it says what a verifier expects of them, by the same roles.
#
# Usage: boot.sh
# Needs mrctl on the PATH; mrd's socket in MRD_SOCKET if it is not the default.
set -eu

printf 'loader 2' | mrctl measure boot - --description loader
printf 'verbose = no\n' | mrctl measure config - --description settings
printf 'agent 7' | mrctl measure app - --description agent
