# Copyright 2026 The grin_ros authors. SPDX-License-Identifier: Apache-2.0
