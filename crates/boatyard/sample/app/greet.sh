#!/bin/sh
echo "@GREETING@, built as $(id -u) on $(uname -m)"
