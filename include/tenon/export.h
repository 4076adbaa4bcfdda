// What the shared library lets others see.
#pragma once

#define TENON_API __attribute__((visibility("default")))
